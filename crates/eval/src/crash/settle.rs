use std::time::Duration;

use tokio::time::{Instant, sleep};
use url::Url;

use crate::{EvalError, server::Server};

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Waits until the server has no job to do, by its metric `opsseer_jobs`. False if it still has after `patience`.
pub async fn settle(server: &Url, patience: Duration) -> Result<bool, EvalError> {
    let server = Server::new(server)?;
    let end = Instant::now() + patience;
    loop {
        if jobs(&server, "pending").await? == 0.0 {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(ASK_EVERY).await;
    }
}

/// How many jobs are in a state. A state that the metric does not name has none.
pub(super) async fn jobs(server: &Server, state: &str) -> Result<f64, EvalError> {
    let (_, text) = server.get_text("metrics", &[]).await?;
    Ok(gauge(&text, &format!("opsseer_jobs{{state=\"{state}\"}}")).unwrap_or(0.0))
}

/// The value of a series in Prometheus' text format.
fn gauge(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_whole_name_and_labels() {
        let text = "# TYPE a gauge\na{state=\"dead\"} 3\na{state=\"pending\"} 0\nab 7\n";
        assert_eq!(gauge(text, "a{state=\"dead\"}"), Some(3.0));
        assert_eq!(gauge(text, "a{state=\"done\"}"), None);
        assert_eq!(gauge(text, "a"), None);
    }
}
