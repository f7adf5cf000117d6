//! The way in: senders' webhooks become alerts, are written, and only then answered.
//!
//! Another source of alerts is another handler here with its parser in `webhook/`.

pub(crate) mod body;
mod read;

use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
};
use opsseer_core::{Alert, AlertSource};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::{App, SharedApp},
    http::error::{ApiError, Problem},
    pipeline::canary,
};

/// The incidents that the alerts of a webhook belong to.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookResponse {
    /// One entry an incident, in the order of the alerts. A heartbeat belongs to none.
    pub incidents: Vec<WebhookIncident>,
}

/// An incident, shortly.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookIncident {
    /// Its id.
    pub id: uuid::Uuid,
    /// Its number.
    pub number: i64,
    /// Its page.
    pub url: String,
}

/// Takes a webhook of Prometheus Alertmanager (`webhook_config`, version 4 of its body).
#[utoipa::path(post, path = "/webhook/alertmanager", request_body(content = Object, content_type = "application/json"),
    responses((status = 202, description = "all alerts are kept", body = WebhookResponse),
        (status = 400, description = "not understood; nothing is kept", body = Problem),
        (status = 413, description = "too large; nothing is kept", body = Problem),
        (status = 503, description = "busy; nothing is kept; try again", body = Problem)))]
pub async fn receive_alertmanager(
    State(app): State<SharedApp>,
    request: Request,
) -> Result<(StatusCode, Json<WebhookResponse>), ApiError> {
    receive(&app, AlertSource::Alertmanager, request).await
}

/// Takes a webhook of Grafana's unified alerting.
#[utoipa::path(post, path = "/webhook/grafana", request_body(content = Object, content_type = "application/json"),
    responses((status = 202, description = "all alerts are kept", body = WebhookResponse),
        (status = 400, description = "not understood; nothing is kept", body = Problem),
        (status = 413, description = "too large; nothing is kept", body = Problem),
        (status = 503, description = "busy; nothing is kept; try again", body = Problem)))]
pub async fn receive_grafana(
    State(app): State<SharedApp>,
    request: Request,
) -> Result<(StatusCode, Json<WebhookResponse>), ApiError> {
    receive(&app, AlertSource::Grafana, request).await
}

async fn receive(
    app: &App,
    source: AlertSource,
    request: Request,
) -> Result<(StatusCode, Json<WebhookResponse>), ApiError> {
    let answer = take(app, source, request).await;
    let result = match &answer {
        Ok(_) => "accepted",
        Err(error) if error.status() == StatusCode::REQUEST_TIMEOUT => "broken_off",
        Err(error) if error.status().is_server_error() => "unavailable",
        Err(_) => "refused",
    };
    metrics::counter!("opsseer_webhooks_total", "source" => source.as_str(), "result" => result).increment(1);
    if let Err(error) = &answer {
        tracing::warn!(
            source = source.as_str(),
            status = error.status().as_u16(),
            reason = error.detail(),
            "webhook refused"
        );
    }
    Ok((StatusCode::ACCEPTED, Json(answer?)))
}

async fn take(app: &App, source: AlertSource, request: Request) -> Result<WebhookResponse, ApiError> {
    let (body::Body { alerts, truncated }, share) = read::read(app, source, request).await?;
    if truncated > 0 {
        // Lost for OpsSeer until the comparison finds them.
        metrics::counter!("opsseer_alerts_truncated_total", "source" => source.as_str()).increment(truncated);
        tracing::warn!(
            source = source.as_str(),
            alerts = truncated,
            "a sender left out alerts of a webhook, for its own limit: see max_alerts in its configuration"
        );
    }
    metrics::counter!("opsseer_alerts_received_total", "source" => source.as_str())
        .increment(alerts.len() as u64);
    let (canaries, alerts): (Vec<Alert>, Vec<Alert>) = alerts.into_iter().partition(canary::is_canary);
    canary::arrived(app, &canaries).await?;
    let incidents =
        if alerts.is_empty() { Vec::new() } else { app.ingest.submit_within(alerts, share).await?.incidents };
    let base = app.config.public_url();
    let short = |incident: opsseer_core::Incident| WebhookIncident {
        id: incident.id.0,
        number: incident.number.0,
        url: format!("{base}/incidents/{}", incident.number),
    };
    Ok(WebhookResponse { incidents: incidents.into_iter().map(short).collect() })
}
