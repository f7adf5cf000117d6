//! What can be wrong with another AI server.

use std::time::Duration;

use opsseer_ai::embed::EmbedError;
use reqwest::StatusCode;
use serde::Deserialize;

/// Characters that are repeated of what the other server says.
const MOST_WORDS: usize = 200;

/// Why there is no answer. In words it goes on after the name of the server.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("did not answer within {} s", .0.as_secs_f64())]
    Silent(Duration),
    #[error("cannot be reached")]
    Unreachable,
    #[error("is busy")]
    Busy,
    #[error("answered {status}: {message}")]
    Refused { status: StatusCode, message: String },
    #[error("has the model {theirs}, and this server wants {ours}")]
    OtherModel { theirs: String, ours: String },
    #[error("gave an answer that is not understood: {0}")]
    NotUnderstood(String),
}

/// How OpsSeer, and everything that speaks OpenAI's API, says no.
#[derive(Deserialize)]
struct Refusal {
    error: RefusalBody,
}

#[derive(Deserialize)]
struct RefusalBody {
    message: String,
    code: Option<String>,
}

/// How OpsSeer says no elsewhere, for example to a name that it does not know as its own.
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

impl Trouble {
    /// From an answer other than 200.
    pub(super) fn refused(status: StatusCode, body: &[u8]) -> Self {
        let refusal = serde_json::from_slice(body).ok().map(|Refusal { error }| error);
        let overloaded = refusal
            .as_ref()
            .is_none_or(|refusal| refusal.code.as_deref().is_none_or(|code| code == "overloaded"));
        if status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::SERVICE_UNAVAILABLE && overloaded)
        {
            return Self::Busy;
        }
        let message = refusal
            .map(|refusal| refusal.message)
            .or_else(|| serde_json::from_slice(body).ok().map(|Problem { detail }| detail))
            .unwrap_or_else(|| "no reason given".to_owned());
        Self::Refused { status, message: message.chars().take(MOST_WORDS).collect() }
    }

    /// Whether it may be over with the next request.
    pub(super) fn passes(&self) -> bool {
        *self == Self::Busy
    }

    /// As those see it who only want vectors.
    pub(super) fn as_embed_error(&self, reason: String) -> EmbedError {
        match self {
            Self::Silent(_) => EmbedError::Timeout,
            Self::Busy => EmbedError::Busy,
            _ => EmbedError::Failed(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_is_missing_there_is_told_from_a_server_that_is_busy() {
        let refused = |status, body: &str| Trouble::refused(status, body.as_bytes()).to_string();
        let missing = r#"{"error": {"message": "not installed", "type": "server_error", "code": "model_not_installed"}}"#;
        let busy = r#"{"error": {"message": "try again", "code": "overloaded"}}"#;
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(refused(unavailable, missing), "answered 503 Service Unavailable: not installed");
        assert_eq!(refused(unavailable, busy), "is busy");
        assert_eq!(refused(unavailable, "<html>a proxy</html>"), "is busy");
        assert_eq!(refused(StatusCode::TOO_MANY_REQUESTS, ""), "is busy");
        let stranger =
            r#"{"detail": "\"gpu\" is not known as a name of this server", "code": "unknown_host"}"#;
        assert!(refused(StatusCode::MISDIRECTED_REQUEST, stranger).ends_with("a name of this server"));
        assert_eq!(
            refused(StatusCode::INTERNAL_SERVER_ERROR, "?"),
            "answered 500 Internal Server Error: no reason given"
        );
    }
}
