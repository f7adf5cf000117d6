//! Why there is no answer to print, for the person who waits for it.

use std::time::Duration;

use reqwest::StatusCode;
use url::Url;

/// What is said of a change that nobody has answered for.
const MAY_BE_DONE: &str = "; it may have been done, so look before you do it again";

fn in_seconds(time: &Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

/// Why there is no answer to print.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ClientError {
    #[error("cannot set up the HTTP client")]
    Setup(#[source] reqwest::Error),
    #[error(
        "no OpsSeer answers at {server}; start one with `opsseer serve`, or name another with --server or OPSSEER_URL"
    )]
    Unreachable { server: Url, source: reqwest::Error },
    #[error("OpsSeer at {server} did not answer within {}{}", in_seconds(.limit), if *.changes { MAY_BE_DONE } else { "" })]
    TimedOut { server: Url, limit: Duration, changes: bool, source: reqwest::Error },
    #[error("{0}; `opsseer incidents list` shows those that there are")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("{url} answered {status} with something that OpsSeer does not say; is --server right?")]
    NotOpsSeer { url: Url, status: StatusCode },
}
