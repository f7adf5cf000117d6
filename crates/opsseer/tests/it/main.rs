//! OpsSeer as its users meet it: over HTTP, in a browser, and on the real stack.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod actions;
mod ask;
mod browser;
mod changes;
mod charts;
mod classes;
mod command_line;
mod containers;
#[cfg(unix)]
mod crash;
mod description;
#[cfg(unix)]
mod e2e;
mod enrichers;
mod forecasts;
mod gateway;
mod grafana;
mod ingest;
mod jobs;
mod lifecycle;
mod limits;
mod pages;
mod pipeline;
#[path = "../../../connect/tests/it/real_alertmanager.rs"]
mod real_alertmanager;
mod regroup;
#[cfg(unix)]
mod render;
mod replicas;
mod retention;
mod similar;
mod stream;
mod suspects;
mod test_server;
mod webhooks;
mod written;
