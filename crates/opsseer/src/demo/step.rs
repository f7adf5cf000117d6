//! The ten steps of the story: their names, their order, and what is wrong when one is missing.

use serde::{Serialize, Serializer};

use super::pieces::Piece;

/// A step of the story, in the order in which they happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// toyprod was told to misbehave.
    ChaosBegan,
    /// A rule's condition holds.
    AlertPending,
    /// It has held for as long as the rule asks.
    AlertFiring,
    /// OpsSeer has the alert, safely stored.
    WebhookReceived,
    /// OpsSeer made an incident of it.
    IncidentOpened,
    /// OpsSeer found what to do.
    RunbookStep,
    /// OpsSeer drew the metric.
    Picture,
    /// toyprod was told to behave.
    ChaosOff,
    /// The condition no longer holds.
    AlertResolved,
    /// OpsSeer closed the incident.
    IncidentResolved,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 10] = [
        Self::ChaosBegan,
        Self::AlertPending,
        Self::AlertFiring,
        Self::WebhookReceived,
        Self::IncidentOpened,
        Self::RunbookStep,
        Self::Picture,
        Self::ChaosOff,
        Self::AlertResolved,
        Self::IncidentResolved,
    ];

    /// Its name, on the terminal and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChaosBegan => "chaos began",
            Self::AlertPending => "alert pending",
            Self::AlertFiring => "alert firing",
            Self::WebhookReceived => "webhook received",
            Self::IncidentOpened => "incident opened",
            Self::RunbookStep => "runbook step",
            Self::Picture => "picture",
            Self::ChaosOff => "chaos off",
            Self::AlertResolved => "alert resolved",
            Self::IncidentResolved => "incident resolved",
        }
    }

    /// What is most likely wrong when it is the first that is missing, and whose log to read.
    pub(super) fn likely_cause(self) -> (&'static str, Piece) {
        match self {
            Self::ChaosBegan => ("toyprod did not take the order at /chaos", Piece::Toyprod),
            Self::AlertPending => {
                ("Prometheus does not reach toyprod, or no rule covers this trouble", Piece::Prometheus)
            }
            Self::AlertFiring => {
                ("the trouble was too short or too mild for the rule's `for`", Piece::Prometheus)
            }
            Self::WebhookReceived => (
                "Alertmanager did not get the alert, or could not deliver it to OpsSeer",
                Piece::Alertmanager,
            ),
            Self::IncidentOpened => ("OpsSeer took the webhook but made no incident of it", Piece::OpsSeer),
            Self::RunbookStep => ("the job that reads the runbooks failed or did not run", Piece::OpsSeer),
            Self::Picture => ("the job that asks Prometheus and draws failed or did not run", Piece::OpsSeer),
            Self::ChaosOff => ("the scenario did not come to its end", Piece::Toyprod),
            Self::AlertResolved => (
                "the rule's window still holds the trouble, or Alertmanager has not said so yet",
                Piece::Prometheus,
            ),
            Self::IncidentResolved => ("another alert of the incident still fires", Piece::OpsSeer),
        }
    }

    /// Steps of equal rank may come in any order: the runbook and the picture are two jobs that run side by side.
    pub(super) fn rank(self) -> usize {
        match self {
            Self::Picture => Self::RunbookStep as usize,
            other => other as usize,
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
