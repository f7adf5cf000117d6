//! What an operator can set: built-in defaults, then a file, then the environment.

mod ai;
mod alertmanager;
mod changes;
mod correlation;
mod forecast;
mod jobs;
mod llm;
mod optional_url;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use opsseer_core::Policy;
use opsseer_store::StoreConfig;
use serde::{Deserialize, Serialize, Serializer};
use url::Url;

pub use ai::Ai;
pub use alertmanager::Alertmanager;
pub use changes::Changes;
pub use correlation::Correlation;
pub use forecast::{Forecast, Watch, WatchedExpression, WatchedRule};
pub use jobs::{Jobs, RetryAfter};
pub use llm::Llm;

/// The defaults, with their documentation.
pub const DEFAULT: &str = include_str!("../config.default.toml");

/// The file that is read if it is there and no other is named.
const USUAL_FILE: &str = "opsseer.toml";

/// A shorter lease or time-out would end everything before it is done.
const SHORTEST_TIME: Duration = Duration::from_secs(1);

/// A store that is asked for news more often than this does nothing else.
const SHORTEST_POLL: Duration = Duration::from_millis(100);

/// Texts cut shorter than this, in bytes, tell nobody anything.
const SHORTEST_TEXT: usize = 64;

/// Everything that can be set. `config.default.toml` says what each key means.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Config {
    pub data_dir: PathBuf,
    pub http: Http,
    pub store: Store,
    pub ingest: Ingest,
    pub correlation: Correlation,
    pub jobs: Jobs,
    pub prometheus: Prometheus,
    pub alertmanager: Alertmanager,
    pub runbooks: Runbooks,
    pub ai: Ai,
    pub llm: Llm,
    pub forecast: Forecast,
    pub slo: Slo,
    pub changes: Changes,
    pub retention: Retention,
    pub log: Log,
}

/// The section `[http]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Http {
    pub bind: SocketAddr,
    pub public_url: String,
    pub allowed_hosts: Vec<String>,
    pub max_body_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    pub max_connections: usize,
}

/// The section `[store]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Store {
    #[serde(serialize_with = "without_password")]
    pub url: String,
    pub readers: u32,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    #[serde(with = "humantime_serde")]
    pub poll_every: Duration,
}

/// The section `[ingest]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Ingest {
    pub queue: usize,
    pub queue_bytes: usize,
    pub batch: usize,
    pub max_alerts: usize,
    pub max_label_bytes: usize,
    pub max_annotation_bytes: usize,
}

/// The section `[prometheus]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Prometheus {
    pub url: Url,
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    pub max_answer_bytes: usize,
    #[serde(with = "humantime_serde")]
    pub scrape_interval: Duration,
}

/// The section `[runbooks]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Runbooks {
    pub dir: PathBuf,
}

/// The section `[slo]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Slo {
    pub file: PathBuf,
}

/// The section `[retention]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Retention {
    #[serde(with = "humantime_serde")]
    pub resolved: Duration,
    #[serde(with = "humantime_serde")]
    pub changes: Duration,
    #[serde(with = "humantime_serde")]
    pub every: Duration,
}

/// The section `[log]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml is the documentation")]
pub struct Log {
    pub filter: String,
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key or a value is not understood.
    #[error("the configuration is not understood")]
    Read(#[source] Box<figment::Error>),
    /// The file that was named is not there.
    #[error("the configuration file {0} does not exist")]
    NoFile(PathBuf),
    /// A value is understood but cannot be.
    #[error("{key} is {given}; {allowed}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What it was.
        given: String,
        /// What would do.
        allowed: &'static str,
    },
}

impl Config {
    /// Reads the defaults, then `file` (or `opsseer.toml`, if there), then the environment.
    pub fn load(file: Option<PathBuf>) -> Result<Self, ConfigError> {
        if let Some(file) = file.as_ref().filter(|file| !file.is_file()) {
            return Err(ConfigError::NoFile(file.clone()));
        }
        // Others with this prefix are not ours to judge: Kubernetes sets OPSSEER_PORT beside a Service of that name.
        let ours = |key: &figment::value::UncasedStr| key == "data_dir" || key.as_str().contains("__");
        let environment = Env::prefixed("OPSSEER_").filter(ours).split("__");
        Self::from(
            &defaults().merge(Toml::file(file.unwrap_or_else(|| USUAL_FILE.into()))).merge(environment),
        )
    }

    /// The defaults, overridden by `toml` and nothing else: no file, no environment.
    pub fn with_overrides(toml: &str) -> Result<Self, ConfigError> {
        Self::from(&defaults().merge(Toml::string(toml)))
    }

    fn from(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|error| ConfigError::Read(Box::new(error)))?;
        let positive = [
            ("ingest.queue", config.ingest.queue),
            ("ingest.queue_bytes", config.ingest.queue_bytes),
            ("ingest.batch", config.ingest.batch),
            ("ingest.max_alerts", config.ingest.max_alerts),
            ("jobs.workers", config.jobs.workers as usize),
            ("http.max_body_bytes", config.http.max_body_bytes),
            ("http.max_connections", config.http.max_connections),
            ("store.readers", config.store.readers as usize),
            ("prometheus.max_answer_bytes", config.prometheus.max_answer_bytes),
            ("ai.queue", config.ai.queue),
        ];
        if let Some((key, given)) = positive.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::Value {
                key,
                given: given.to_string(),
                allowed: "it must be at least 1",
            });
        }
        for (key, given) in [
            ("http.request_timeout", config.http.request_timeout),
            ("http.header_timeout", config.http.header_timeout),
            ("store.timeout", config.store.timeout),
            ("prometheus.timeout", config.prometheus.timeout),
            ("ai.timeout", config.ai.timeout),
            ("correlation.heartbeat_max_age", config.correlation.heartbeat_max_age),
            ("retention.every", config.retention.every),
        ] {
            if given < SHORTEST_TIME {
                let given = format!("{given:?}");
                return Err(ConfigError::Value { key, given, allowed: "it must be at least 1s" });
            }
        }
        if config.store.poll_every < SHORTEST_POLL {
            let given = format!("{:?}", config.store.poll_every);
            return Err(ConfigError::Value {
                key: "store.poll_every",
                given,
                allowed: "it must be at least 100ms",
            });
        }
        for (key, given) in [
            ("ingest.max_label_bytes", config.ingest.max_label_bytes),
            ("ingest.max_annotation_bytes", config.ingest.max_annotation_bytes),
        ] {
            if given < SHORTEST_TEXT {
                let given = given.to_string();
                return Err(ConfigError::Value { key, given, allowed: "it must be at least 64" });
            }
        }
        if !config.http.public_url.is_empty() && Url::parse(&config.http.public_url).is_err() {
            let given = format!("{:?}", config.http.public_url);
            return Err(ConfigError::Value {
                key: "http.public_url",
                given,
                allowed: "it must be a URL or empty",
            });
        }
        let no_name = |host: &&String| host.is_empty() || host.contains(['/', ':', '*', ' ']);
        if let Some(host) = config.http.allowed_hosts.iter().find(no_name) {
            return Err(ConfigError::Value {
                key: "http.allowed_hosts",
                given: format!("{host:?}"),
                allowed: "it must be names alone, without scheme or port",
            });
        }
        config.alertmanager.check()?;
        config.correlation.check()?;
        config.jobs.check()?;
        config.llm.check()?;
        config.changes.check()?;
        config.forecast.check()?;
        Ok(config)
    }

    /// The address at which people reach the page, without a slash at the end.
    pub fn public_url(&self) -> String {
        match self.http.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.http.bind),
            url => url.to_owned(),
        }
    }

    /// What the store needs to know.
    pub fn store_config(&self) -> StoreConfig {
        let url = match self.store.url.as_str() {
            "" => format!("sqlite:{}", self.data_dir.join("opsseer.db").display()),
            url => url.to_owned(),
        };
        StoreConfig {
            url,
            assets: self.data_dir.join("assets"),
            readers: self.store.readers,
            timeout: self.store.timeout,
            poll_every: self.store.poll_every,
        }
    }

    /// Where models lie.
    pub fn models_dir(&self) -> PathBuf {
        if self.ai.models_dir.as_os_str().is_empty() {
            return self.data_dir.join("models");
        }
        self.ai.models_dir.clone()
    }

    /// What correlation needs to know.
    pub fn policy(&self) -> Policy {
        self.correlation.policy()
    }
}

/// What `opsseer config print` shows of an address may be read by anybody.
fn without_password<S: Serializer>(address: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let Ok(mut url) = Url::parse(address) else { return serializer.serialize_str(address) };
    let secret = |name: &str| name.eq_ignore_ascii_case("password");
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            (name.to_string(), if secret(&name) { "…".to_owned() } else { value.to_string() })
        })
        .collect();
    if url.password().is_some() && url.set_password(Some("…")).is_err() {
        return serializer.serialize_str("…");
    }
    if pairs.iter().any(|(name, _)| secret(name)) {
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    serializer.serialize_str(url.as_str())
}

fn defaults() -> Figment {
    Figment::from(Toml::string(DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_complete_and_sound() {
        let config = Config::with_overrides("").expect("the default file must be usable");
        assert_eq!(config.public_url(), "http://127.0.0.1:8888");
        assert_eq!(config.store_config().url, "sqlite:data/opsseer.db");
    }

    #[test]
    fn a_misspelt_key_is_an_error_that_names_it() {
        let error = Config::with_overrides("[http]\nbnid = \"127.0.0.1:1\"").expect_err("must fail");
        let ConfigError::Read(error) = error else { panic!("{error}") };
        assert!(error.to_string().contains("bnid"), "{error}");
    }

    #[test]
    fn the_stores_password_is_not_printed() {
        for address in
            ["postgres://ada:hunter2@db/opsseer", "postgres://db/opsseer?user=ada&password=hunter2"]
        {
            let config = Config::with_overrides(&format!("[store]\nurl = \"{address}\"")).expect("usable");
            let printed = toml::to_string(&config).expect("printable");
            assert!(!printed.contains("hunter2") && printed.contains("/opsseer"), "{printed}");
            assert_eq!(config.store_config().url, address);
        }
    }

    #[test]
    fn a_limit_of_nothing_is_refused() {
        let error = Config::with_overrides("[ingest]\nqueue = 0").expect_err("must fail");
        assert_eq!(error.to_string(), "ingest.queue is 0; it must be at least 1");
        for (section, key, given, words) in [
            ("store", "readers", "0", "is 0; it must be at least 1"),
            ("store", "poll_every", "\"99ms\"", "is 99ms; it must be at least 100ms"),
            ("prometheus", "timeout", "\"0s\"", "is 0ns; it must be at least 1s"),
            ("prometheus", "max_answer_bytes", "0", "is 0; it must be at least 1"),
            ("correlation", "heartbeat_max_age", "\"0s\"", "is 0ns; it must be at least 1s"),
            ("ingest", "max_label_bytes", "63", "is 63; it must be at least 64"),
            ("ingest", "max_annotation_bytes", "0", "is 0; it must be at least 64"),
        ] {
            let set = format!("[{section}]\n{key} = {given}");
            let error = Config::with_overrides(&set).expect_err(key).to_string();
            assert_eq!(error, format!("{section}.{key} {words}"));
        }
    }

    #[test]
    fn a_host_that_can_never_match_is_refused() {
        let error = Config::with_overrides("[http]\nallowed_hosts = [\"ops:8888\"]").expect_err("must fail");
        assert!(
            error.to_string().starts_with("http.allowed_hosts is \"ops:8888\"; it must be names"),
            "{error}"
        );
    }
}
