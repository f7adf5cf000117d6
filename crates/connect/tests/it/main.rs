//! The clients on the real programs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alertmanager;
mod real_alertmanager;
