//! Files of huggingface.co, or of a mirror that has its paths.

use std::{path::Path, time::Duration};

use futures::StreamExt;
use reqwest::{Client, Response, StatusCode, Url, header};
use tokio::{
    fs::{self, File, OpenOptions},
    io::AsyncWriteExt,
};

use super::{FetchError, Progress};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Without a byte for so long, a transfer counts as broken.
const SILENCE: Duration = Duration::from_secs(30);

/// Before each further try after a transfer that broke.
const RETRY_WAITS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5)];

/// A hub of models.
#[derive(Debug)]
pub struct HuggingFace {
    base: Url,
    http: Client,
}

impl HuggingFace {
    /// `base`: its root, such as `https://huggingface.co`.
    pub fn at(base: Url) -> Result<Self, reqwest::Error> {
        // The program has one provider of TLS, and this is it; an error only says that it is set already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(SILENCE).build()?;
        Ok(Self { base, http })
    }

    /// Fetches a file to `to`, going on behind the bytes that are there already. `limit`: its size; more is not taken.
    pub(super) async fn fetch(
        &self,
        (repository, revision, path): (&str, &str, &str),
        to: &Path,
        limit: u64,
        progress: &dyn Progress,
    ) -> Result<(), FetchError> {
        let address =
            format!("{}/{repository}/resolve/{revision}/{path}", self.base.as_str().trim_end_matches('/'));
        let url: Url = address.parse().map_err(|_| FetchError::Address(address))?;
        let mut waits = RETRY_WAITS.into_iter();
        loop {
            let ended = self.go_on(&url, to, limit, progress).await;
            // A server that is not reached at all is not waited for: the next source may be there.
            let broke = matches!(&ended, Err(FetchError::Http { source, .. }) if !source.is_connect());
            let (true, Some(wait)) = (broke, waits.next()) else { return ended };
            tracing::debug!(%url, "the transfer broke; going on where it broke");
            tokio::time::sleep(wait).await;
        }
    }

    async fn go_on(
        &self,
        url: &Url,
        to: &Path,
        limit: u64,
        progress: &dyn Progress,
    ) -> Result<(), FetchError> {
        let have = fs::metadata(to).await.map_or(0, |metadata| metadata.len());
        if have == limit {
            return Ok(());
        }
        let mut request = self.http.get(url.clone());
        if have > 0 && have < limit {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        let answer = request.send().await.map_err(|source| broken(url, source))?;
        let mut file = match answer.status() {
            StatusCode::PARTIAL_CONTENT if begins_at(&answer) == Some(have) => {
                OpenOptions::new().append(true).open(to).await
            }
            StatusCode::OK => File::create(to).await,
            // What is there does not fit what the server has: from the beginning next time.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                fs::remove_file(to).await.map_err(FetchError::disk(format!("remove {}", to.display())))?;
                return Err(status(url, answer.status()));
            }
            other => return Err(status(url, other)),
        }
        .map_err(FetchError::disk(format!("write {}", to.display())))?;
        let mut written = if answer.status() == StatusCode::OK { 0 } else { have };
        let mut body = answer.bytes_stream();
        let mut done = Ok(());
        while let Some(part) = body.next().await {
            let part = match part {
                Ok(part) => part,
                Err(source) => {
                    done = Err(broken(url, source));
                    break;
                }
            };
            written += part.len() as u64;
            if written > limit {
                done = Err(FetchError::OtherBytes(format!("more than {limit}")));
                break;
            }
            file.write_all(&part).await.map_err(FetchError::disk(format!("write {}", to.display())))?;
            progress.reached(written);
        }
        // What came before a break is kept for the next try.
        file.flush().await.map_err(FetchError::disk(format!("write {}", to.display())))?;
        done
    }
}

fn broken(url: &Url, source: reqwest::Error) -> FetchError {
    FetchError::Http { host: host(url), source: source.without_url() }
}

fn status(url: &Url, status: StatusCode) -> FetchError {
    FetchError::Status { host: host(url), status: status.as_u16() }
}

fn host(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The first byte of a partial answer: `Content-Range: bytes 100-199/200`.
fn begins_at(answer: &Response) -> Option<u64> {
    let range = answer.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}
