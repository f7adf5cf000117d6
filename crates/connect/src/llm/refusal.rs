//! What a refusing server said.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::{LanguageModelError, Secret};

/// How much of a refusal's text is kept, in characters: enough to act on, too little to flood a page.
const TEXT_CHARS: usize = 300;

/// A wait that is longer says nothing to somebody who looks at a page.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// An answer other than 2xx.
pub(super) struct Refusal<'a> {
    pub(super) url: &'a str,
    pub(super) model: &'a str,
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    pub(super) message: String,
}

impl Refusal<'_> {
    pub(super) fn into_error(self) -> LanguageModelError {
        let Self { url, model, status, retry_after, message } = self;
        let (url, model) = (url.to_owned(), model.to_owned());
        match status {
            401 | 403 => LanguageModelError::KeyRefused { url, status, message },
            404 => LanguageModelError::NoModel { url, model, message },
            429 => LanguageModelError::Busy { url, retry_after, message },
            500.. => LanguageModelError::Failing { url, status, retry_after, message },
            _ => LanguageModelError::Refused { url, status, message },
        }
    }
}

/// Seconds, as model servers send it. A date is taken for nothing: it would need this machine's clock to be theirs.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    let wait = Duration::try_from_secs_f64(seconds.ceil()).ok()?;
    (wait <= LONGEST_WAIT).then_some(wait)
}

/// The words of an error body, on one line and shortened, without the key: some servers repeat it.
pub(super) fn message(body: &[u8], key: &Secret) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) => words(&value),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    shortened(&text, key)
}

/// The words of an error in the middle of an answer.
pub(super) fn message_of(error: &Value, key: &Secret) -> String {
    shortened(&words(error), key)
}

/// `{"error": {"message": ...}}`, `{"error": "..."}`, `{"message": ...}`, `{"detail": ...}` and the bare text are all in use.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => ["error", "message", "detail"]
            .into_iter()
            .find_map(|name| fields.get(name).filter(|inner| !inner.is_null()))
            .map_or_else(|| value.to_string(), words),
        other => other.to_string(),
    }
}

fn shortened(text: &str, key: &Secret) -> String {
    let text = if key.is_empty() { text.to_owned() } else { text.replace(key.expose(), "…") };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(TEXT_CHARS) {
        _ if line.is_empty() => "no reason given".to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_is_quoted_in_its_own_words_and_the_key_in_none() {
        let key = Secret::new("sk-1");
        for (body, said) in [
            (
                r#"{"error":{"message":"model \"x\" not found, try pulling it first","type":"api_error"}}"#,
                "model \"x\" not found, try pulling it first",
            ),
            (r#"{"error":"overloaded"}"#, "overloaded"),
            (r#"{"object":"error","message":"wrong key sk-1"}"#, "wrong key …"),
            (
                r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
                r#"[{"loc":["body"],"msg":"field required"}]"#,
            ),
            ("<h1>Bad\n Gateway</h1>", "<h1>Bad Gateway</h1>"),
            ("", "no reason given"),
        ] {
            assert_eq!(message(body.as_bytes(), &key), said);
        }
        assert_eq!(message("é".repeat(500).as_bytes(), &key).chars().count(), TEXT_CHARS + 1);
    }

    #[test]
    fn a_wait_is_in_seconds_and_within_a_day() {
        let wait =
            |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().expect("a header"))]));
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("0.2"), Some(Duration::from_secs(1)));
        for strange in ["soon", "-1", "NaN", "inf", "1e300", "90000", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(wait(strange), None, "{strange}");
        }
    }
}
