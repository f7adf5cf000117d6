//! One reading of all containers: cgroup files and what the fleet knows.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use crate::{
    cgroup::ReadError,
    fleet::{Fleet, Reading, short_id},
    metrics::{Health, Rows},
};

/// What renews `rows` when it is called. The fleet is locked before and after the files are read, never meanwhile.
pub(crate) fn reader(fleet: Arc<Mutex<Fleet>>, rows: Rows, health: Health) -> impl FnMut() + Send + 'static {
    move || {
        let to_read = fleet.lock().unwrap_or_else(PoisonError::into_inner).to_read();
        let mut readings = Vec::with_capacity(to_read.len());
        for (id, run, cgroup) in to_read {
            let reading = match cgroup.read() {
                Ok(usage) => Reading::Usage(Box::new(usage)),
                Err(ReadError::Gone) => Reading::Gone,
                Err(error @ ReadError::Io(_)) => {
                    health.read_errors.inc();
                    tracing::warn!(container = short_id(&id), %error, cause = %cause(&error), "no figures of a container");
                    Reading::Failed
                }
            };
            readings.push((id, run, reading));
        }
        let fresh = fleet.lock().unwrap_or_else(PoisonError::into_inner).rows(readings, Instant::now());
        *rows.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

fn cause(error: &dyn std::error::Error) -> String {
    error.source().map(ToString::to_string).unwrap_or_default()
}
