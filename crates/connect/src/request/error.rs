//! Why a request to another system failed, in words that a person can act on.

use std::time::Duration;

/// Why another system gave no usable answer. `system` is its name, for example "Prometheus".
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The address cannot be the base of HTTP requests.
    #[error("the address of {system} must start with http:// or https://, not {address}")]
    BadAddress {
        /// Whose address it is.
        system: &'static str,
        /// The address as configured, without credentials.
        address: String,
    },
    /// The HTTP client itself could not be made, for example because the machine has no certificates.
    #[error("cannot prepare the HTTP client for {system}")]
    Setup {
        /// Who was to be asked.
        system: &'static str,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// No connection, or it broke before the answer was whole.
    #[error("cannot reach {system} at {url}: is it running, and is the address right?")]
    Unreachable {
        /// Who was asked.
        system: &'static str,
        /// What was asked for, without credentials and query.
        url: String,
        /// What the HTTP library said.
        #[source]
        source: reqwest::Error,
    },
    /// The time-out passed first.
    #[error("{system} at {url} did not answer within {} s", timeout.as_secs_f64())]
    TimedOut {
        /// Who was asked.
        system: &'static str,
        /// What was asked for, without credentials and query.
        url: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// An answer with a status other than 2xx, with the system's own words.
    #[error("{system} answered {status} for {url}: {message}")]
    Refused {
        /// Who was asked.
        system: &'static str,
        /// What was asked for, without credentials and query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Prometheus's `errorType`, for example `bad_data`, when the answer named one.
        kind: Option<String>,
        /// The system's own error text, shortened.
        message: String,
    },
    /// The answer is larger than the limit; reading stopped there.
    #[error(
        "the answer of {system} for {url} is larger than {limit_bytes} bytes: ask for less or raise the limit"
    )]
    TooLarge {
        /// Who was asked.
        system: &'static str,
        /// What was asked for, without credentials and query.
        url: String,
        /// The limit, in bytes.
        limit_bytes: usize,
    },
    /// The answer is not what the system's API sends.
    #[error("what answered at {url} does not speak the API of {system}: does the address point to it?")]
    NotUnderstood {
        /// Who was meant to be asked.
        system: &'static str,
        /// What was asked for, without credentials and query.
        url: String,
        /// Where the answer stopped making sense.
        #[source]
        source: serde_json::Error,
    },
}

impl RequestError {
    /// Whether the same request may well succeed later, so that a retry makes sense.
    ///
    /// No connection, a time-out, an overloaded or restarting server (5xx), 408 and 429 are transient. A refused
    /// query, an answer that is too large and an address that is wrong stay as they are until somebody acts.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            Self::BadAddress { .. }
            | Self::Setup { .. }
            | Self::TooLarge { .. }
            | Self::NotUnderstood { .. } => false,
        }
    }
}
