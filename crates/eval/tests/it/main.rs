//! The suites against stand-in servers whose faults are known.

mod bench;
mod stand_in;
mod webhooks;
