//! The service under test, over HTTP: its `/chaos` and its `/orders`.

use std::{fmt::Write, time::Duration};

use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;

use super::scenario::Trouble;

/// A change of the chaos is tiny, but the service may be short of CPU on purpose.
const CHANGE_TIMEOUT: Duration = Duration::from_secs(5);
/// Past this, a customer would have left. Also bounds how long a run waits for its last answers.
const ORDER_TIMEOUT: Duration = Duration::from_secs(10);
/// Waits between tries to change the chaos. A restart of the service takes about this long.
const RETRY_WAITS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];
/// How much of a refusal's body is repeated.
const DETAIL_MAX_CHARS: usize = 300;

/// A service whose chaos can be set. Clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Target {
    client: Client,
    chaos: Url,
    orders: Url,
}

/// Why the service could not be reached or told.
#[derive(Debug, Error)]
pub enum TargetError {
    /// No HTTP client can be made on this machine.
    #[error("make the HTTP client")]
    Client(#[source] reqwest::Error),
    /// The service did not answer.
    #[error("set the chaos at {url}")]
    Unreachable {
        /// Where it was asked.
        url: Url,
        /// What went wrong on the way.
        #[source]
        source: reqwest::Error,
    },
    /// The service refused.
    #[error("{url} answered {status}: {detail}")]
    Refused {
        /// Where it was asked.
        url: Url,
        /// Its status.
        status: StatusCode,
        /// Its reason.
        detail: String,
    },
}

impl TargetError {
    /// Whether nothing listens there: then nothing can have been changed either.
    pub(super) fn nobody_there(&self) -> bool {
        matches!(self, Self::Unreachable { source, .. } if source.is_connect())
    }

    fn worth_another_try(&self) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => status.is_server_error(),
        }
    }
}

impl Target {
    /// `url` is the service's root.
    pub(super) fn new(url: &Url) -> Result<Self, TargetError> {
        // The program has one provider of TLS, and this is it; an error only says that it is set already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            // A proxy would add its own latency and failures to those that are measured.
            .no_proxy()
            .timeout(ORDER_TIMEOUT)
            .connect_timeout(CHANGE_TIMEOUT)
            .build()
            .map_err(TargetError::Client)?;
        Ok(Self { client, chaos: below(url, "chaos"), orders: below(url, "orders") })
    }

    /// Puts `trouble` in force, trying again where that may help.
    pub(super) async fn set(&self, trouble: &Trouble) -> Result<(), TargetError> {
        for wait in RETRY_WAITS {
            match self.try_to_set(trouble).await {
                Err(error) if error.worth_another_try() => {
                    tracing::debug!(%error, "the chaos could not be set; trying again");
                    tokio::time::sleep(wait).await;
                }
                done => return done,
            }
        }
        self.try_to_set(trouble).await
    }

    async fn try_to_set(&self, trouble: &Trouble) -> Result<(), TargetError> {
        let url = with_trouble(&self.chaos, trouble);
        let unreachable = |source: reqwest::Error| TargetError::Unreachable {
            url: self.chaos.clone(),
            // The error names the place itself.
            source: source.without_url(),
        };
        let answer =
            self.client.post(url.clone()).timeout(CHANGE_TIMEOUT).send().await.map_err(unreachable)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let detail = answer.text().await.map_err(unreachable)?.chars().take(DETAIL_MAX_CHARS).collect();
        Err(TargetError::Refused { url, status, detail })
    }

    /// Asks for orders and reads the whole answer. `Err` says in a word or two why it failed.
    pub(super) async fn order(&self) -> Result<(), String> {
        let answer = self.client.get(self.orders.clone()).send().await.map_err(|error| reason(&error))?;
        let status = answer.status();
        answer.bytes().await.map_err(|error| reason(&error))?;
        if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
    }
}

/// A closed set of words, so that a record counts kinds of failure and not each one.
fn reason(error: &reqwest::Error) -> String {
    let word = if error.is_timeout() {
        "timed out"
    } else if error.is_connect() {
        "no connection"
    } else {
        "broken answer"
    };
    word.to_owned()
}

fn below(root: &Url, segment: &str) -> Url {
    let mut url = root.clone();
    url.set_query(None);
    url.set_fragment(None);
    let path = format!("{}/{segment}", root.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// Names everything that the service keeps when it is not named, so that a phase leaves nothing to the next.
fn with_trouble(chaos: &Url, trouble: &Trouble) -> Url {
    let mut query = format!("mode={}", trouble.mode.as_str());
    if !trouble.is_none() {
        // Writing to a String cannot fail.
        let _ = write!(query, "&delay_ms={}&fail_rate={}", trouble.delay_ms, trouble.fail_rate);
    }
    let tunings = [
        ("period_s", trouble.period_s),
        ("leak_mib_per_s", trouble.leak_mib_per_s),
        ("burn_threads", trouble.burn_threads),
    ];
    for (name, value) in tunings {
        if let Some(value) = value {
            let _ = write!(query, "&{name}={value}");
        }
    }
    let mut url = chaos.clone();
    url.set_query(Some(&query));
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::scenario::Mode;

    #[test]
    fn a_root_below_a_path_keeps_it() {
        for (root, chaos) in [
            ("http://a:1", "http://a:1/chaos"),
            ("http://a:1/", "http://a:1/chaos"),
            ("http://a:1/toy/?x=1", "http://a:1/toy/chaos"),
        ] {
            assert_eq!(below(&Url::parse(root).unwrap(), "chaos").as_str(), chaos);
        }
    }

    #[test]
    fn a_phase_names_all_that_it_wants() {
        let chaos = Url::parse("http://a:1/chaos").unwrap();
        assert_eq!(with_trouble(&chaos, &Trouble::NONE).query(), Some("mode=none"));
        let failing = Trouble { fail_rate: 0.4, ..Trouble::NONE };
        assert_eq!(with_trouble(&chaos, &failing).query(), Some("mode=none&delay_ms=0&fail_rate=0.4"));
        let ramp = Trouble { mode: Mode::Ramp, delay_ms: 900, period_s: Some(30), ..Trouble::NONE };
        let expected = "mode=ramp&delay_ms=900&fail_rate=0&period_s=30";
        assert_eq!(with_trouble(&chaos, &ramp).query(), Some(expected));
    }
}
