//! Evaluation suites and the HTTP benchmark.
//!
//! They see a server only through its HTTP address, as its users do, so that a score means something.

pub mod bench;
pub mod crash;
mod error;
mod jsonl;
pub mod postgres;
mod report;
mod server;
pub mod suite;
pub mod table;
pub mod webhooks;

pub use error::EvalError;
pub use report::Report;
