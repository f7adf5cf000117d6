use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use super::optional_url;

/// The section `[ai]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Ai {
    #[serde(deserialize_with = "optional_url::read", serialize_with = "optional_url::write")]
    pub url: Option<Url>,
    pub models_dir: PathBuf,
    pub threads: usize,
    pub queue: usize,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}
