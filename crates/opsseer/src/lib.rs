//! OpsSeer: takes alerts, opens incidents, and puts what a person needs on one live page.
//!
//! Where to look: `http/webhook.rs` is the way in, `ingest.rs` the one writer of alerts, `jobs.rs` the list of
//! enrichers, `live.rs` the way out to open pages, `web.rs` the pages.

pub mod actions;
pub mod ai;
mod alert_filter;
mod alert_metric;
mod alert_text;
pub mod app;
pub mod asking;
pub mod changes;
pub mod chaos;
pub mod chart;
pub mod cli;
pub mod config;
mod containers;
mod corrections;
pub mod dashboard;
pub mod demo;
mod event_words;
mod forecasting;
pub mod http;
pub mod ingest;
pub mod jobs;
mod kept_chart;
pub mod lint;
pub mod live;
pub mod models;
mod outlook;
pub mod pipeline;
pub mod retention;
pub mod server;
pub mod similar;
pub mod slo;
pub mod summary;
mod suspecting;
pub mod sweep;
pub mod telemetry;
pub mod vital;
pub mod web;
pub mod written;
