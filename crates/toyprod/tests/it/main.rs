//! toyprod as its clients meet it: over a real socket.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod binary;
mod chaos;
mod metrics;
mod orders;
mod server;
