//! Summaries and answers in a language model's words, and what the model is sent for them.

pub mod answer;
pub mod sent;
mod stream;

use axum::{
    Router,
    extract::{Path, State},
    response::IntoResponse,
    routing::post,
};

use crate::{
    app::SharedApp,
    http::{error::ApiError, incidents::find},
    summary::{self, Facts},
    written,
};

use stream::{Instead, stream_written};

/// Apart from the other routes, because a model takes the time that `llm.timeout` allows. Asking sends something away and may
/// cost money, so it is a POST: browsers tell of those where they come from.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/api/v1/incidents/{id}/summary/written", post(write_summary))
        .route("/api/v1/ask/written", post(answer::write_answer))
}

/// Events `sentence`, one for each that can be checked; at the end `done`, or `unavailable` with the reason and the summary
/// that stands instead.
async fn write_summary(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let incident = find(&app, &id).await?;
    let facts = Facts::read(&app.store, &incident).await?;
    let question = written::question(&app, &incident).await?;
    Ok(stream_written(app, question, Instead::Summary(summary::summarise(&incident, &facts).into())))
}
