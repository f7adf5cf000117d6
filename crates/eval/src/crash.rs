//! The crash test's load and its verdict: nothing lost, nothing twice.
//!
//! [`Load`] sends alerts as several Alertmanagers would, each body again and again until it is answered with 2xx, while
//! somebody else kills, stops and fills up what it pleases. [`verify`] then compares what the senders know was accepted
//! with what the server shows, over HTTP alone: every alert once and in its last state, every incident complete, and
//! every job's effect there exactly once.

mod alerts;
mod dice;
mod fold;
mod ledger;
mod load;
mod report;
mod sender;
mod settle;
mod verify;

pub use dice::Dice;
pub use ledger::Ledger;
pub use load::{Load, Plan};
pub use report::{Effects, Sent, Verdict};
pub use settle::settle;
pub use verify::verify;
