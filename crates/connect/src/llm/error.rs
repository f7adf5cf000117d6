//! Why a model gave no usable answer, in words that a person can act on.

use std::time::Duration;

/// Why a model gave no usable answer. `url` is what was asked, without credentials.
#[derive(Debug, thiserror::Error)]
pub enum LanguageModelError {
    /// The address cannot be that of an endpoint.
    #[error("the address of the language model must start with http:// or https://, not {address}")]
    BadAddress {
        /// As configured, without credentials.
        address: String,
    },
    /// The key cannot stand in a header.
    #[error("the key of the language model holds characters that cannot be sent, such as a line break")]
    BadKey,
    /// The HTTP client itself could not be made, for example because the machine has no certificates.
    #[error("cannot prepare the HTTP client for the language model")]
    Setup(#[source] reqwest::Error),
    /// No connection.
    #[error("cannot reach the language model at {url}: is it running, and is the address right?")]
    Unreachable {
        /// What was asked.
        url: String,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// Not a word within its time-out.
    #[error("the language model at {url} said nothing within {} s", timeout.as_secs_f64())]
    Silent {
        /// What was asked.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The answer began but did not end in time.
    #[error("the language model at {url} was not done within {} s", timeout.as_secs_f64())]
    TooSlow {
        /// What was asked.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// 401 or 403.
    #[error("the language model at {url} refused the key ({status}): {message}")]
    KeyRefused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        message: String,
    },
    /// 404.
    #[error("there is no model {model:?} at {url}, or the address is not that of a chat endpoint: {message}")]
    NoModel {
        /// What was asked.
        url: String,
        /// Which model was asked for.
        model: String,
        /// The server's own words.
        message: String,
    },
    /// 429.
    #[error("the language model at {url} takes no more requests{}: {message}", in_words(*retry_after))]
    Busy {
        /// What was asked.
        url: String,
        /// When it may be asked again, if it said so.
        retry_after: Option<Duration>,
        /// The server's own words.
        message: String,
    },
    /// 5xx.
    #[error("the language model at {url} failed ({status}{}): {message}", in_words(*retry_after))]
    Failing {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// When it may be asked again, if it said so.
        retry_after: Option<Duration>,
        /// The server's own words.
        message: String,
    },
    /// Any other status than 2xx.
    #[error("the language model at {url} answered {status}: {message}")]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's own words.
        message: String,
    },
    /// An error in the middle of the answer.
    #[error("the language model at {url} gave up in the middle of its answer: {message}")]
    GaveUp {
        /// What was asked.
        url: String,
        /// The server's own words.
        message: String,
    },
    /// The connection ended before the answer did.
    #[error("the answer of the language model at {url} broke off")]
    BrokeOff {
        /// What was asked.
        url: String,
        /// What the HTTP library said, if it was not simply closed.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The server stopped the answer: it reached a limit of its own, or its filter did not like it.
    #[error("the language model at {url} stopped before it was done ({reason})")]
    Stopped {
        /// What was asked.
        url: String,
        /// The server's word: `length`, `content_filter`.
        reason: String,
    },
    /// The answer is larger than the limit; reading stopped there.
    #[error("the answer of the language model at {url} is larger than {limit_bytes} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// The answer is not what a chat endpoint sends.
    #[error("what answered at {url} is no chat endpoint as OpenAI has it: is the address right?")]
    NotUnderstood {
        /// What was asked.
        url: String,
        /// Where it stopped making sense.
        #[source]
        source: serde_json::Error,
    },
}

fn in_words(retry_after: Option<Duration>) -> String {
    retry_after.map(|after| format!("; try again in {} s", after.as_secs())).unwrap_or_default()
}
