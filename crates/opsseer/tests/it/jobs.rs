//! Work that follows from alerts: who does it, what a crash or a stop costs, and what happens to work that fails.

mod failed;
mod held;
mod worker;

pub(crate) use held::until;
