//! OpsSeer: takes alerts, opens incidents, and puts what a person needs on one live page.
//!
//! Where to look: `http/webhook.rs` is the way in, `ingest.rs` the one writer of alerts, `jobs.rs` the list of
//! enrichers, `live.rs` the way out to open pages, `web.rs` the pages.

pub mod actions;
mod ai;
mod alert_filter;
mod alert_text;
pub mod app;
pub mod asking;
pub mod chaos;
pub mod chart;
pub mod cli;
pub mod config;
mod corrections;
pub mod demo;
mod event_words;
pub mod http;
pub mod ingest;
pub mod jobs;
pub mod lint;
pub mod live;
pub mod models;
pub mod pipeline;
pub mod retention;
pub mod server;
pub mod similar;
pub mod summary;
pub mod sweep;
pub mod telemetry;
pub mod vital;
pub mod web;
pub mod written;
