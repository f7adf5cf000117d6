//! Why Alertmanager did not do what was asked.

use crate::request::RequestError;

/// Why Alertmanager did not do what was asked. Nothing has changed there, unless the answer was lost on its way.
#[derive(Debug, thiserror::Error)]
pub enum AlertmanagerError {
    /// No silence has this id.
    #[error("Alertmanager knows no silence {id}")]
    SilenceNotFound {
        /// What was asked for.
        id: String,
    },
    /// No usable answer, or a refusal in Alertmanager's own words.
    #[error(transparent)]
    Request(#[from] RequestError),
}

impl AlertmanagerError {
    /// Whether the same request may well succeed later, so that a retry makes sense.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::SilenceNotFound { .. } => false,
            Self::Request(error) => error.is_transient(),
        }
    }
}
