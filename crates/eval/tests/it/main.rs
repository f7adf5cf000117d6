//! The suites against stand-in servers whose faults are known.

mod bench;
mod crash;
mod postgres;
mod stand_in;
mod webhooks;
