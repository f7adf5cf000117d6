//! What a refusing server said, whatever form it said it in.

use reqwest::StatusCode;
use serde::Deserialize;

/// How much of a refusal's text is kept, in characters: enough to act on, too little to flood a log.
pub(super) const TEXT_CHARS: usize = 300;

/// The error bodies of the systems that we ask.
#[derive(Deserialize)]
#[serde(untagged)]
enum ErrorBody {
    /// Prometheus (<https://prometheus.io/docs/prometheus/latest/querying/api/>).
    Prometheus {
        #[serde(rename = "errorType")]
        kind: Option<String>,
        error: String,
    },
    /// Alertmanager, where the request does not fit its description.
    Described { message: String },
    /// Alertmanager, where the request fits but cannot be done.
    Text(String),
}

/// The kind of the error, if the server named one, and its words on one line, shortened.
pub(super) fn read(status: StatusCode, body: &[u8]) -> (Option<String>, String) {
    let (kind, text) = match serde_json::from_slice(body) {
        Ok(ErrorBody::Prometheus { kind, error }) => (kind, error),
        Ok(ErrorBody::Described { message } | ErrorBody::Text(message)) => (None, message),
        Err(_) => (None, String::from_utf8_lossy(body).into_owned()),
    };
    let said =
        if text.trim().is_empty() { status.canonical_reason().unwrap_or("no reason given") } else { &text };
    let mut message = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if message.chars().count() > TEXT_CHARS {
        message = message.chars().take(TEXT_CHARS).chain(['…']).collect();
    }
    (kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> String {
        read(StatusCode::BAD_REQUEST, body.as_bytes()).1
    }

    #[test]
    fn each_system_is_quoted_in_its_own_words() {
        assert_eq!(
            message(r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#),
            "parse error"
        );
        assert_eq!(
            message("\"silence invalid: invalid label matcher 0\"\n"),
            "silence invalid: invalid label matcher 0"
        );
        assert_eq!(
            message(r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#),
            "matchers in body should have at least 1 items"
        );
        assert_eq!(message("404 page not found\n"), "404 page not found");
        assert_eq!(message("\"\""), "Bad Request");
    }
}
