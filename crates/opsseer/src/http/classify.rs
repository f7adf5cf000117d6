//! What kind of trouble an alert is about, and what people say instead.

use std::{collections::BTreeMap, time::Instant};

use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use opsseer_ai::classify::{AlertText, Category, Classification, ClassifyError, SeverityOpinion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ai::Gateway,
    app::SharedApp,
    corrections,
    http::{
        error::{ApiError, Problem},
        incidents::IncidentResponse,
    },
};

/// Bytes of all texts together, and labels.
const MAX_BYTES: usize = 64 * 1024;
const MAX_LABELS: usize = 200;

/// An alert, as its rule is written or as it fires. At least one of its texts says something.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifyBody {
    /// The rule's name.
    #[serde(default, alias = "alertname")]
    pub name: String,
    /// The annotation `summary`.
    #[serde(default)]
    pub summary: String,
    /// The annotation `description`.
    #[serde(default)]
    pub description: String,
    /// The rule's expression in PromQL.
    #[serde(default)]
    pub expr: String,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// What kind of trouble it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassifyResponse {
    /// The most probable category.
    pub category: &'static str,
    /// How probable it is, 0 to 1.
    pub probability: f32,
    /// Whether that is too little to rely on.
    pub unsure: bool,
    /// The next ones, the most probable first.
    pub runners_up: Vec<RunnerUpResponse>,
    /// How urgent such alerts mostly are: `critical`, `warning` or `info`.
    pub severity: &'static str,
    /// How probable that is, 0 to 1.
    pub severity_probability: f32,
    /// Whether that is too little to rely on.
    pub severity_unsure: bool,
    /// What the cause may be, in a few words.
    pub hint: Option<String>,
    /// How many corrections by people had a say.
    pub learned_from: usize,
    /// Names the classifier and its weights.
    pub model: String,
    /// Whether the meaning of the words was looked at, or the words alone.
    pub embeddings: bool,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

/// Another category.
#[derive(Debug, Serialize, ToSchema)]
pub struct RunnerUpResponse {
    /// Its name.
    pub category: &'static str,
    /// How probable it is, 0 to 1.
    pub probability: f32,
}

/// What a person says an alert is about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectBody {
    /// Who says so.
    pub by: String,
    /// The alert's name. It has fired in the incident.
    pub alert: String,
    /// One of the 12 categories.
    pub category: String,
    /// `critical`, `warning` or `info`; null for no opinion.
    #[serde(default)]
    pub severity: Option<String>,
}

/// Says what kind of trouble an alert is about. Corrections by people count.
#[utoipa::path(post, path = "/api/v1/classify", request_body = ClassifyBody,
    responses((status = 200, description = "what kind", body = ClassifyResponse), (status = 400, description = "not understood", body = Problem),
        (status = 503, description = "too much is asked at once", body = Problem)))]
pub async fn classify_alert(
    State(gateway): State<Gateway>,
    body: Result<Json<ClassifyBody>, JsonRejection>,
) -> Result<Json<ClassifyResponse>, ApiError> {
    let Json(body) = body?;
    let text = body.checked()?;
    // Corrections are kept with incidents. A server without incidents has learned nothing from people.
    let learned = match &gateway.server {
        Some(app) => corrections::learned(app).await?,
        None => Vec::new(),
    };
    let started = Instant::now();
    let class = gateway.classifier.classify(&text, &learned).await?;
    let took = started.elapsed().as_secs_f64();
    metrics::histogram!("opsseer_ai_seconds", "service" => "classify").record(took);
    let embeddings = gateway.meaning.words_only().is_none();
    Ok(Json(ClassifyResponse::new(class, embeddings, took * 1000.0)))
}

/// Says what kind of trouble an alert of an incident is about. Alerts like it are classified by it from then on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/class", params(("id" = String, Path, description = "number or uuid")), request_body = CorrectBody,
    responses((status = 200, description = "kept", body = IncidentResponse), (status = 400, description = "not understood", body = Problem),
        (status = 404, description = "none such", body = Problem)))]
pub async fn correct_class(
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    body: Result<Json<CorrectBody>, JsonRejection>,
) -> Result<Json<IncidentResponse>, ApiError> {
    let Json(body) = body?;
    let category = Category::parse(&body.category).ok_or_else(|| {
        let all = Category::ALL.map(Category::as_str).join("; ");
        ApiError::bad_request(
            "invalid_value",
            format!("there is no category {:?}; allowed: {all}", body.category),
        )
    })?;
    let severity = body.severity.as_deref().map(|word| {
        SeverityOpinion::parse(word).ok_or_else(|| {
            let all = SeverityOpinion::ALL.map(SeverityOpinion::as_str).join(", ");
            ApiError::bad_request("invalid_value", format!("there is no severity {word:?}; allowed: {all}"))
        })
    });
    let severity = severity.transpose()?;
    let incident = corrections::correct(&app, id.parse()?, &body.by, &body.alert, category, severity).await?;
    Ok(Json(IncidentResponse::new(&app, incident)))
}

impl ClassifyBody {
    fn checked(self) -> Result<AlertText, ApiError> {
        let texts = [&self.name, &self.summary, &self.description, &self.expr];
        if texts.iter().all(|text| text.trim().is_empty()) {
            let reason = "give at least one of name, summary, description and expr";
            return Err(ApiError::bad_request("invalid_value", reason));
        }
        let labels: usize = self.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = texts.iter().map(|text| text.len()).sum::<usize>() + labels;
        if bytes > MAX_BYTES || self.labels.len() > MAX_LABELS {
            let reason = format!("an alert has at most {MAX_BYTES} bytes of text and {MAX_LABELS} labels");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", reason));
        }
        let Self { name, summary, description, expr, labels } = self;
        Ok(AlertText { name, summary, description, expr, labels })
    }
}

impl ClassifyResponse {
    /// The wire form.
    pub fn new(class: Classification, embeddings: bool, took_ms: f64) -> Self {
        let runner_up = |(category, probability): (Category, f32)| RunnerUpResponse {
            category: category.as_str(),
            probability,
        };
        Self {
            category: class.category.as_str(),
            probability: class.probability,
            unsure: class.unsure,
            runners_up: class.runners_up.into_iter().map(runner_up).collect(),
            severity: class.severity.as_str(),
            severity_probability: class.severity_probability,
            severity_unsure: class.severity_unsure,
            hint: class.hint,
            learned_from: class.learned_from,
            model: class.model,
            embeddings,
            took_ms,
        }
    }
}

impl From<ClassifyError> for ApiError {
    fn from(error: ClassifyError) -> Self {
        match error {
            ClassifyError::Empty => Self::bad_request("invalid_value", error.to_string()),
        }
    }
}
