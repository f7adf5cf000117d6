//! The pages. Every part is rendered here, once: for the first load, for readers without JavaScript, and as the
//! fragments that the live streams send. `static/*.js` only puts them in their place.
//!
//! A new card on the incident page is a struct beside `incident/picture.rs`, its template, and a field of
//! `incident::Parts`; a new kind of event is an arm in `incident/timeline.rs`.

pub(crate) mod answer;
mod ask;
mod chart;
mod frame;
mod incident;
mod jobs;
mod list;
pub(crate) mod moment;
mod people;
mod problem;
mod prose;
mod pulse;
pub(crate) mod runbook;
pub mod same_origin;
mod silences;
mod static_files;
#[cfg(test)]
pub(crate) mod test_data;
mod viewer;
mod written;

use axum::{
    Router,
    http::{HeaderName, HeaderValue, header},
    routing::{get, post},
};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::SharedApp;

pub(crate) use incident::step_to_take;

/// Pages run and show only what this server itself sends, in nobody else's frame, and post only back to it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages, their forms and their files.
pub fn routes() -> Router<SharedApp> {
    let pages = Router::new()
        .route("/", get(list::show_incident_list))
        .route("/incidents/{incident}", get(incident::show_incident))
        .route("/incidents/{incident}/notes", post(people::add_note))
        .route("/incidents/{incident}/ack", post(people::acknowledge_incident))
        .route("/incidents/{incident}/resolve", post(people::resolve_incident))
        .route("/incidents/{incident}/reopen", post(people::reopen_incident))
        .route("/jobs", get(jobs::show_jobs))
        .route("/jobs/retry", post(jobs::retry_jobs))
        .route("/jobs/{job}/retry", post(jobs::retry_job))
        .route("/incidents/{incident}/alerts", get(incident::alerts::page::list_incident_alerts))
        .route("/incidents/{incident}/on-it", post(people::quiet::be_on_it))
        .route("/incidents/{incident}/unmute", post(people::quiet::unmute_incident))
        .route("/incidents/{incident}/silence", post(people::quiet::silence_incident))
        .route("/incidents/{incident}/merge", post(people::regroup::merge_incidents))
        .route("/incidents/{incident}/split", post(people::regroup::split_incident))
        .route("/incidents/{incident}/undo", post(people::regroup::undo_regrouping))
        .route("/silences", get(silences::list_silences))
        .route("/silences/{silence}/end", post(people::quiet::end_silence))
        .route("/ask", get(ask::ask_runbooks))
        .route("/runbooks/{*file}", get(runbook::show_runbook))
        .route("/incidents/{incident}/ask", post(people::answers::ask_within_incident))
        .route("/incidents/{incident}/class", post(people::answers::correct_class))
        .route("/charts/{sha256}", get(chart::show_chart))
        .route("/name", post(people::keep_name));
    // Pictures have a policy of their own, and may be kept.
    guarded(pages)
        .route("/charts/{sha256}/picture.svg", get(chart::show_picture))
        .route("/charts/{sha256}/picture.png", get(chart::show_png))
        .route("/charts/{sha256}/numbers.json", get(chart::show_numbers))
        .route("/static/{bundle}/{file}", get(static_files::show_static_file))
}

/// The streams that keep open pages up to date. They last as long as their readers do.
pub fn live_routes() -> Router<SharedApp> {
    guarded(
        Router::new()
            .route("/live", get(list::live::follow_incident_list))
            .route("/incidents/{incident}/live", get(incident::live::follow_incident)),
    )
}

/// Adds what keeps a page from harm. What a page shows is of the moment, so no cache keeps it.
fn guarded(pages: Router<SharedApp>) -> Router<SharedApp> {
    const HEADERS: [(HeaderName, &str); 4] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    HEADERS.into_iter().fold(pages, |pages, (name, value)| {
        pages.layer(SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value)))
    })
}
