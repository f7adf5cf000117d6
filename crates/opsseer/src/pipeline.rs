//! Whether alerts reach OpsSeer at all, and what is done where they do not.
//!
//! `compare` asks Alertmanager what was missed, `watchdog` speaks up when the heartbeat stays away, `canary` sends an
//! alert the whole way round, `silences` ends the noise at its source. Where several replicas share a store, one of them
//! at a time does each of the first three.

pub(crate) mod canary;
mod compare;
pub(crate) mod rounds;
pub mod silences;
mod watchdog;

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::app::SharedApp;

/// What the parts of the pipeline remember of themselves.
#[derive(Debug, Default)]
pub struct Pipeline {
    compared_at: Mutex<Option<DateTime<Utc>>>,
}

impl Pipeline {
    fn set_compared_at(&self, at: DateTime<Utc>) {
        *self.compared_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// When this server last compared with Alertmanager successfully.
    pub fn compared_at(&self) -> Option<DateTime<Utc>> {
        *self.compared_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts what runs beside the server until it ends.
pub(crate) fn start(app: &SharedApp) {
    spawn(app, watchdog::run(app.clone()));
    let Some(alertmanager) = &app.alertmanager else { return };
    spawn(app, compare::run(app.clone(), alertmanager.clone()));
    if let Some(every) = app.config.alertmanager.canary_every {
        spawn(app, canary::run(app.clone(), alertmanager.clone(), every));
    }
}

/// None of the work needs to finish: it is either committed or begun anew later.
fn spawn(app: &SharedApp, work: impl Future<Output = ()> + Send + 'static) {
    let ending = app.ending.clone();
    app.tasks.spawn(async move {
        tokio::select! {
            () = ending.cancelled() => {}
            () = work => {}
        }
    });
}

/// An error with its causes, for the log.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = format!("{words}: {inner}");
        source = inner.source();
    }
    words
}
