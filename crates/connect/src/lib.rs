//! Clients of other systems, and what can be read from their languages without asking them.
//!
//! Each system has a file with its client. A client is given its address and its [`Limits`]: every request has a
//! time-out and every answer a largest size. Errors are [`RequestError`]s in words that a person can act on.

pub mod alertmanager;
pub mod llm;
pub mod prometheus;
pub mod promql;
mod request;

pub use request::{Limits, RequestError};
