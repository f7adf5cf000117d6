//! Alerts that did not arrive by webhook, and the signs that none do.

mod canary;
mod missed;
mod silences;
mod slow;
mod watchdog;
mod world;
