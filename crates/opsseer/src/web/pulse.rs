//! The sign of life of every live page: each few seconds the server's time and the pipeline's health. Its absence tells
//! the page that the connection is lost, even when the browser has not noticed.

use std::time::Duration;

use askama::Template;
use axum::response::sse::Event;
use chrono::SecondsFormat;
use futures::{Stream, stream};
use opsseer_store::StoreError;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    app::SharedApp,
    web::{frame::Health, static_files},
};

/// `static/stream.js` waits a little more than two of these.
const EVERY: Duration = Duration::from_secs(5);

/// Why a live stream ended early. The page connects again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    #[error("a part could not be rendered")]
    Render(#[from] askama::Error),
    #[error("a message could not be written")]
    Message(#[source] axum::Error),
}

#[derive(Serialize)]
struct Pulse {
    now: String,
    health: String,
    bundle: &'static str,
}

/// Pulses for ever, the first at once.
pub(crate) fn pulses(app: SharedApp) -> impl Stream<Item = Result<Event, LiveError>> + Send {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    stream::try_unfold((app, ticks), |(app, mut ticks)| async move {
        ticks.tick().await;
        let pulse = Pulse {
            now: app.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true),
            health: Health::read(&app).await?.render()?,
            bundle: static_files::bundle(),
        };
        Ok(Some((message("pulse", &pulse)?, (app, ticks))))
    })
}

/// A message with a name and JSON.
pub(crate) fn message(name: &str, data: &impl Serialize) -> Result<Event, LiveError> {
    Event::default().event(name).json_data(data).map_err(LiveError::Message)
}

/// Says in the log, once, why a stream ended early.
pub(crate) fn log(error: &LiveError) {
    let source = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(%error, source, "a live page was cut off and will connect again");
}
