//! Alertmanager's API, version 2: is it ready, and which alerts does it hold.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use crate::request::{Api, Limits, RequestError};

/// An alert that Alertmanager holds as active.
/// Its shape is documented in <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveAlert {
    /// What identifies it, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// What its author says about it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Alertmanager's own key of the label set.
    pub fingerprint: String,
    /// Since when it fires.
    pub starts_at: DateTime<Utc>,
    /// When it counts as resolved unless it is sent again.
    pub ends_at: DateTime<Utc>,
    /// Where its sender explains it.
    #[serde(default, rename = "generatorURL")]
    pub generator_url: Option<String>,
}

/// A client of one Alertmanager.
#[derive(Debug, Clone)]
pub struct AlertmanagerClient {
    api: Api,
}

impl AlertmanagerClient {
    /// `base` is its address, with a path prefix if it has one.
    pub fn new(base: Url, limits: Limits) -> Result<Self, RequestError> {
        Ok(Self { api: Api::new("Alertmanager", base, limits)? })
    }

    /// `Ok` once it serves requests.
    pub async fn ready(&self) -> Result<(), RequestError> {
        self.api.get_status("-/ready").await
    }

    /// The alerts that fire and are neither silenced nor inhibited.
    pub async fn alerts(&self) -> Result<Vec<ActiveAlert>, RequestError> {
        let only_active = [("active", "true"), ("silenced", "false"), ("inhibited", "false")];
        self.api.get_json("api/v2/alerts", &only_active).await
    }
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    #[tokio::test]
    async fn lists_active_alerts() {
        let server = MockServer::start().await;
        let body = r#"[{"annotations":{"summary":"down"},"endsAt":"2026-01-02T03:10:04.123Z","fingerprint":"ab12",
            "receivers":[{"name":"opsseer"}],"startsAt":"2026-01-02T03:04:05.000Z",
            "status":{"inhibitedBy":[],"silencedBy":[],"state":"active"},"updatedAt":"2026-01-02T03:06:04.123Z",
            "generatorURL":"http://prometheus/graph","labels":{"alertname":"ToyProdDown"}}]"#;
        Mock::given(method("GET"))
            .and(path("/api/v2/alerts"))
            .and(query_param("silenced", "false"))
            .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
            .mount(&server)
            .await;
        let base = server.uri().parse().expect("an address");
        let alerts = AlertmanagerClient::new(base, Limits::default())
            .expect("a client")
            .alerts()
            .await
            .expect("alerts");
        assert_eq!(alerts.len(), 1);
        assert_eq!(alerts[0].labels["alertname"], "ToyProdDown");
        assert_eq!(alerts[0].starts_at.to_rfc3339(), "2026-01-02T03:04:05+00:00");
    }
}
