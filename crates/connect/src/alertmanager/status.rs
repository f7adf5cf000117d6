//! What Alertmanager says about itself.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// The server and its cluster (`alertmanagerStatus`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerStatus {
    /// Since when it runs. One that has only just started holds no alerts until they are sent to it again.
    #[serde(rename = "uptime")]
    pub started_at: DateTime<Utc>,
    /// What it was built from.
    #[serde(rename = "versionInfo")]
    pub build: Build,
    /// The other Alertmanagers that it works with.
    pub cluster: Cluster,
}

/// What a server was built from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// Such as "0.25.0".
    pub version: String,
}

/// A group of Alertmanagers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Cluster {
    /// How far they have found each other.
    pub status: ClusterState,
    /// All members, this one among them. Empty where there is no cluster.
    #[serde(default)]
    pub peers: Vec<Peer>,
}

/// How far the members of a cluster have found each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterState {
    /// They know each other.
    Ready,
    /// They are still looking.
    Settling,
    /// This server works alone.
    Disabled,
}

/// A member of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Peer {
    /// Its name, made up anew at each start.
    pub name: String,
    /// Where the others reach it.
    pub address: String,
}
