//! How OpenAI's API says no, so that clients written for it understand.

use axum::{
    Json,
    extract::rejection::JsonRejection,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// Seconds after which a client should try again: when the queue was full, and when somebody must install a model first.
const RETRY_SOON: &str = "1";
const RETRY_LATER: &str = "60";

/// A refusal.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiError {
    /// The refusal.
    pub error: OpenAiErrorBody,
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    retry_after: Option<&'static str>,
}

/// What a refusal says.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenAiErrorBody {
    /// Why, for people.
    pub message: String,
    /// What kind: `invalid_request_error` or `server_error`.
    pub r#type: &'static str,
    /// The field that is wrong, if it is one.
    pub param: Option<&'static str>,
    /// What kind, for programs.
    pub code: Option<&'static str>,
}

impl OpenAiError {
    /// What was sent cannot be taken.
    pub fn invalid(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, param, None, message.into())
    }

    /// OpsSeer does not do that.
    pub fn not_implemented(message: &str) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, None, Some("not_implemented"), message.to_owned())
    }

    /// Too much at once, or too slow: the client may try again soon.
    pub fn busy(message: String) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, None, Some("overloaded"), message);
        Self { retry_after: Some(RETRY_SOON), ..error }
    }

    /// A model must be installed first.
    pub fn model_missing(message: &str) -> Self {
        let error =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, None, Some("model_not_installed"), message.to_owned());
        Self { retry_after: Some(RETRY_LATER), ..error }
    }

    /// Something broke here.
    pub fn failed(message: &str) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, None, None, message.to_owned())
    }

    fn new(
        status: StatusCode,
        param: Option<&'static str>,
        code: Option<&'static str>,
        message: String,
    ) -> Self {
        let r#type = if status.is_client_error() { "invalid_request_error" } else { "server_error" };
        Self { error: OpenAiErrorBody { message, r#type, param, code }, status, retry_after: None }
    }
}

impl From<JsonRejection> for OpenAiError {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), None, None, rejection.body_text())
    }
}

impl IntoResponse for OpenAiError {
    fn into_response(self) -> Response {
        let (status, retry_after) = (self.status, self.retry_after);
        let mut response = (status, Json(self)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        response
    }
}
