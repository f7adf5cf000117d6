//! The store on a real database.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alerts;
mod answers;
mod assets;
mod backup;
mod canaries;
mod changes;
mod incidents;
mod jobs;
mod memberships;
mod migrations;
mod network;
mod regroup;
mod retention;
mod shared;
mod world;
