//! Evaluation suites and the HTTP benchmark.
//!
//! They see a server only through its HTTP address, as its users do, so that a score means something.

pub mod against;
pub mod alerts;
pub mod bench;
mod chart;
pub mod crash;
mod error;
mod evaluation;
pub mod forecast;
mod goals;
pub mod interval;
mod jsonl;
mod number;
pub mod page;
pub mod postgres;
pub mod qa;
mod report;
pub mod runbooks;
mod server;
pub mod sources;
pub mod suite;
pub mod suspects;
pub mod table;
pub mod webhooks;

pub use against::Comparison;
pub use error::EvalError;
pub use evaluation::{Evaluation, Figure, Group};
pub use report::Report;
