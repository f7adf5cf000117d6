//! The pieces of the stack and their addresses.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// A piece of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    /// The service that breaks.
    Toyprod,
    /// The one that sees the containers, where Docker runs.
    #[serde(rename = "container-exporter")]
    ContainerExporter,
    /// The one that notices.
    Prometheus,
    /// The one that tells.
    Alertmanager,
    /// The one that this is about.
    OpsSeer,
}

impl Piece {
    /// All of them, along the way that an alert takes.
    pub const ALL: [Self; 5] =
        [Self::Toyprod, Self::ContainerExporter, Self::Prometheus, Self::Alertmanager, Self::OpsSeer];

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Toyprod => "toyprod",
            Self::ContainerExporter => "container-exporter",
            Self::Prometheus => "Prometheus",
            Self::Alertmanager => "Alertmanager",
            Self::OpsSeer => "OpsSeer",
        }
    }

    /// What it is, for someone who meets it for the first time.
    pub fn explained(self) -> &'static str {
        match self {
            Self::Toyprod => "a small shop, the service that will break",
            Self::ContainerExporter => "tells CPU and memory of containers, where Docker runs",
            Self::Prometheus => "reads toyprod's metrics and decides when they are an alert",
            Self::Alertmanager => "groups alerts and sends them on",
            Self::OpsSeer => "makes one live incident page of them",
        }
    }

    /// The port that it has unless somebody else has it.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Toyprod => 8000,
            Self::ContainerExporter => 9102,
            Self::Prometheus => 9090,
            Self::Alertmanager => 9093,
            Self::OpsSeer => 8888,
        }
    }

    /// The address that the configurations which ship name.
    pub fn usual_address(self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.usual_port()).into()
    }

    /// The path that answers once it is ready.
    pub fn readiness_path(self) -> &'static str {
        match self {
            Self::Toyprod | Self::ContainerExporter => "/healthz",
            Self::Prometheus | Self::Alertmanager => "/-/ready",
            Self::OpsSeer => "/readyz",
        }
    }

    /// Its log file's name in the run's folder.
    pub fn log_file(self) -> String {
        format!("{}.log", self.name().to_lowercase())
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where each piece listens in this run.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    toyprod: SocketAddr,
    container_exporter: SocketAddr,
    prometheus: SocketAddr,
    alertmanager: SocketAddr,
    opsseer: SocketAddr,
}

impl Addresses {
    /// Asks for each.
    pub fn new(mut of: impl FnMut(Piece) -> SocketAddr) -> Self {
        Self {
            toyprod: of(Piece::Toyprod),
            container_exporter: of(Piece::ContainerExporter),
            prometheus: of(Piece::Prometheus),
            alertmanager: of(Piece::Alertmanager),
            opsseer: of(Piece::OpsSeer),
        }
    }

    /// Where it listens.
    pub fn of(&self, piece: Piece) -> SocketAddr {
        match piece {
            Piece::Toyprod => self.toyprod,
            Piece::ContainerExporter => self.container_exporter,
            Piece::Prometheus => self.prometheus,
            Piece::Alertmanager => self.alertmanager,
            Piece::OpsSeer => self.opsseer,
        }
    }

    /// Its address for a browser, without a slash at the end.
    pub fn url(&self, piece: Piece) -> String {
        format!("http://{}", self.of(piece))
    }
}
