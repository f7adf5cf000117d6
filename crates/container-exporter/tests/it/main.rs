//! The exporter on a real Docker engine, and on one that misbehaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod binary;
mod engine;
mod exporter;
mod figures;
mod lives;
mod many;
mod outages;
mod stats_api;

/// Ends a test that needs an engine where there can be none, and says why.
macro_rules! need_engine {
    () => {
        if let Some(reason) = crate::engine::missing() {
            eprintln!("SKIPPED {}: {reason}", module_path!());
            return;
        }
    };
}
use need_engine;
