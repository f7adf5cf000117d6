//! The one form in which the API says no: RFC 9457 problem details with a stable `code`.

use axum::{
    Json,
    extract::rejection::{BytesRejection, FormRejection, JsonRejection, QueryRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use opsseer_store::{InvalidReference, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{actions::ActionError, ingest::IngestError};

/// Seconds after which a refused sender should try again.
const RETRY_AFTER: &str = "1";

/// A refusal, with its reason in words.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

/// What is sent: `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What kind of refusal: stable, for programs.
    pub code: String,
    /// Why, for people.
    pub detail: String,
}

impl ApiError {
    /// A refusal.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// What was sent cannot be taken.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// What was asked for is not there.
    pub fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Why, for people.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem {
            status: self.status.as_u16(),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            code: self.code.to_owned(),
            detail: self.detail,
        };
        let mut response = (self.status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Unreadable { .. } | StoreError::Event { .. }) {
            log(&error, "something stored cannot be read");
            let detail =
                "something stored was written by another version of OpsSeer and cannot be read by this one";
            return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unreadable", detail);
        }
        log(&error, "the store refused");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unavailable",
            "the store did not answer; nothing was changed",
        )
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        let code = match &error {
            IngestError::Full => "queue_full",
            IngestError::Ending => "ending",
            IngestError::Store(_) => "store_unavailable",
            IngestError::Slow(_) | IngestError::Broken => {
                log(&error, "whether alerts were kept is not known");
                let code =
                    if matches!(error, IngestError::Broken) { "writer_broken" } else { "store_unavailable" };
                let detail =
                    format!("{error}; try again: what was kept after all changes nothing the second time");
                return Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
            }
        };
        log(&error, "alerts were refused");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, format!("{error}; nothing was kept, try again"))
    }
}

impl From<ActionError> for ApiError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::NotFound => Self::not_found("there is no such incident"),
            ActionError::Invalid(reason) => Self::bad_request("invalid_value", reason),
            ActionError::Regroup(error) => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()),
            ActionError::Conflict(reason) => Self::new(StatusCode::CONFLICT, "conflict", reason),
            ActionError::Store(error) => error.into(),
        }
    }
}

impl From<InvalidReference> for ApiError {
    fn from(error: InvalidReference) -> Self {
        Self::bad_request("invalid_reference", error.to_string())
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "invalid_body", rejection.body_text())
    }
}

impl From<FormRejection> for ApiError {
    fn from(rejection: FormRejection) -> Self {
        Self::new(rejection.status(), "invalid_body", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request("invalid_query", rejection.body_text())
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body is larger than http.max_body_bytes allows; nothing was kept",
            );
        }
        Self::new(rejection.status(), "invalid_body", rejection.body_text())
    }
}

fn log(error: &dyn std::error::Error, what: &'static str) {
    let mut reasons = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        reasons = format!("{reasons}: {inner}");
        source = inner.source();
    }
    tracing::error!(error = reasons, "{what}");
}
