//! OpsSeer as its users meet it: over HTTP, in a browser, and on the real stack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod actions;
mod browser;
mod command_line;
mod description;
#[cfg(unix)]
mod e2e;
mod enrichers;
mod limits;
mod pages;
mod stream;
mod test_server;
mod webhooks;
