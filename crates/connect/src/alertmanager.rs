//! Alertmanager's API, version 2: the alerts that it holds, silences, the server itself.
//!
//! The shapes are those of <https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>. They were tried
//! on version 0.25.

mod alert;
mod error;
mod fake;
mod matcher;
mod silence;
mod status;

use async_trait::async_trait;
use serde::Deserialize;
use url::Url;

use crate::request::{Api, Limits, RequestError};

pub use alert::{AlertGroup, HeldAlert, HeldState, HeldStatus, NewAlert, Receiver};
pub use error::AlertmanagerError;
pub use fake::FakeAlertmanager;
pub use matcher::Matcher;
pub use silence::{NewSilence, Silence, SilenceState};
pub use status::{Build, Cluster, ClusterState, Peer, ServerStatus};

/// What OpsSeer asks of an Alertmanager.
#[async_trait]
pub trait Alertmanager: Send + Sync {
    /// All alerts that fire, those that are silenced or inhibited among them. One whose end has come is not listed,
    /// even if its receivers have not been told yet.
    async fn alerts(&self) -> Result<Vec<HeldAlert>, AlertmanagerError>;

    /// The same alerts as the receivers are told of them, in groups: an alert for two receivers is in two groups.
    async fn groups(&self) -> Result<Vec<AlertGroup>, AlertmanagerError>;

    /// Sends alerts, as Prometheus does. Either all are taken or an error says which cannot be; the others may then
    /// have been taken.
    async fn post_alerts(&self, alerts: &[NewAlert]) -> Result<(), AlertmanagerError>;

    /// All silences: active, pending, and those that expired some days ago at most.
    async fn silences(&self) -> Result<Vec<Silence>, AlertmanagerError>;

    /// Makes a silence. Gives its id.
    async fn create_silence(&self, silence: &NewSilence) -> Result<String, AlertmanagerError>;

    /// Ends a silence. One that has expired already is no error.
    async fn expire_silence(&self, id: &str) -> Result<(), AlertmanagerError>;

    /// What it says about itself.
    async fn status(&self) -> Result<ServerStatus, AlertmanagerError>;

    /// `Ok` once it serves requests.
    async fn ready(&self) -> Result<(), AlertmanagerError>;
}

/// A client of one Alertmanager.
#[derive(Debug, Clone)]
pub struct AlertmanagerClient {
    api: Api,
}

impl AlertmanagerClient {
    /// `base` is its address, with a path prefix if it has one (`--web.route-prefix`).
    pub fn new(base: Url, limits: Limits) -> Result<Self, RequestError> {
        Ok(Self { api: Api::new("Alertmanager", base, limits)? })
    }
}

#[async_trait]
impl Alertmanager for AlertmanagerClient {
    async fn alerts(&self) -> Result<Vec<HeldAlert>, AlertmanagerError> {
        Ok(self.api.get_json("api/v2/alerts", &[]).await?)
    }

    async fn groups(&self) -> Result<Vec<AlertGroup>, AlertmanagerError> {
        Ok(self.api.get_json("api/v2/alerts/groups", &[]).await?)
    }

    async fn post_alerts(&self, alerts: &[NewAlert]) -> Result<(), AlertmanagerError> {
        Ok(self.api.post_json_status("api/v2/alerts", &alerts).await?)
    }

    async fn silences(&self) -> Result<Vec<Silence>, AlertmanagerError> {
        Ok(self.api.get_json("api/v2/silences", &[]).await?)
    }

    async fn create_silence(&self, silence: &NewSilence) -> Result<String, AlertmanagerError> {
        #[derive(Deserialize)]
        struct Created {
            #[serde(rename = "silenceID")]
            id: String,
        }
        let created: Created = self.api.post_json("api/v2/silences", silence).await?;
        Ok(created.id)
    }

    async fn expire_silence(&self, id: &str) -> Result<(), AlertmanagerError> {
        let not_found = || AlertmanagerError::SilenceNotFound { id: id.to_owned() };
        if !may_be_id(id) {
            return Err(not_found());
        }
        match self.api.delete_status(&format!("api/v2/silence/{id}")).await {
            // Up to 0.25, Alertmanager answers 500 with these words, later 404.
            Err(RequestError::Refused { status: 404 | 500, message, .. })
                if message == "silence not found" =>
            {
                Err(not_found())
            }
            Err(RequestError::Refused { status: 404, .. }) => Err(not_found()),
            other => Ok(other?),
        }
    }

    async fn status(&self) -> Result<ServerStatus, AlertmanagerError> {
        Ok(self.api.get_json("api/v2/status", &[]).await?)
    }

    async fn ready(&self) -> Result<(), AlertmanagerError> {
        Ok(self.api.get_status("-/ready").await?)
    }
}

/// Ids are UUIDs. Anything else is not put into an address, where it could lead elsewhere.
fn may_be_id(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests;
