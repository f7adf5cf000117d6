//! What Docker says of a container when it is asked.

use bollard::models::{ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, HostConfig};
use chrono::DateTime;

use super::{Identity, Phase, Source, identity};
use crate::usage::{MICRO, NANO, in_units};

/// The part of Docker's answer that matters here.
#[derive(Clone, Debug)]
pub(crate) struct Inspected {
    pub(crate) identity: Identity,
    pub(crate) phase: Phase,
    /// The newest run's start, in Docker's words.
    pub(crate) started_at: String,
    /// The same in seconds since 1970; `None` if it was never started.
    pub(crate) started: Option<f64>,
    pub(crate) restarts: u64,
    /// Docker noted an OOM kill in the newest run.
    pub(crate) oom_flag: bool,
    pub(crate) limits: Limits,
    /// The first process, in the host's numbering.
    pub(crate) pid: Option<u32>,
    /// The cgroup that the container's was to be made under; empty for Docker's usual place.
    pub(crate) cgroup_parent: String,
    pub(crate) network: SharedNetwork,
    /// Where the figures come from. Docker does not know: whoever asked fills it in.
    pub(crate) source: Source,
}

/// Whether a container's network interfaces are its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SharedNetwork {
    /// They are.
    Own,
    /// They are the host's or another container's, which shows the same bytes: they must not count twice.
    Shared,
}

/// The limits that a container was given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    pub(crate) cpu_cores: Option<f64>,
    pub(crate) memory_bytes: Option<u64>,
}

impl Limits {
    fn of(host: &HostConfig) -> Self {
        let positive = |value: Option<i64>| u64::try_from(value?).ok().filter(|value| *value > 0);
        let by_quota = positive(host.cpu_quota).map(|quota| {
            // The kernel's usual period is a tenth of a second.
            in_units(quota, positive(host.cpu_period).unwrap_or(100_000))
        });
        Self {
            cpu_cores: positive(host.nano_cpus).map(|nano| in_units(nano, NANO)).or(by_quota),
            memory_bytes: positive(host.memory),
        }
    }
}

impl Inspected {
    /// Takes what matters out of Docker's answer. `None` for what is not watched: containers that were never started,
    /// and those that only hold a Kubernetes pod's network.
    pub(crate) fn new(id: &str, answer: ContainerInspectResponse) -> Option<Self> {
        let state = answer.state.unwrap_or_default();
        let config = answer.config.unwrap_or_default();
        let host = answer.host_config.unwrap_or_default();
        let labels = config.labels.unwrap_or_default();
        let phase = phase(&state)?;
        if identity::is_pod_sandbox(&labels) {
            return None;
        }
        let name = answer.name.unwrap_or_default();
        let image = config.image.or(answer.image).unwrap_or_default();
        let started_at = state.started_at.unwrap_or_default();
        Some(Self {
            identity: Identity::new(id, &name, &image, &labels),
            phase,
            started: seconds_since_1970(&started_at),
            started_at,
            restarts: answer.restart_count.and_then(|count| count.try_into().ok()).unwrap_or_default(),
            oom_flag: state.oom_killed.unwrap_or_default(),
            limits: Limits::of(&host),
            pid: state.pid.and_then(|pid| pid.try_into().ok()).filter(|pid| *pid > 0),
            cgroup_parent: host.cgroup_parent.unwrap_or_default(),
            network: network(
                host.network_mode.as_deref().unwrap_or_default(),
                identity::is_kubernetes(&labels),
            ),
            source: Source::None,
        })
    }
}

/// `None` for a container that was made but never started.
fn phase(state: &ContainerState) -> Option<Phase> {
    match state.status? {
        ContainerStateStatusEnum::CREATED | ContainerStateStatusEnum::EMPTY => None,
        ContainerStateStatusEnum::RUNNING => Some(Phase::Running),
        ContainerStateStatusEnum::PAUSED => Some(Phase::Paused),
        ContainerStateStatusEnum::RESTARTING => Some(Phase::Restarting),
        _ => Some(Phase::Ended),
    }
}

/// A pod's containers all share the network of a container that is not watched, so there they do show it, each.
fn network(mode: &str, kubernetes: bool) -> SharedNetwork {
    if mode == "host" || (mode.starts_with("container:") && !kubernetes) {
        SharedNetwork::Shared
    } else {
        SharedNetwork::Own
    }
}

/// Docker writes the year 1 for "never".
fn seconds_since_1970(text: &str) -> Option<f64> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    let micros = u64::try_from(at.timestamp_micros()).ok()?;
    Some(in_units(micros, MICRO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: serde_json::Value) -> ContainerInspectResponse {
        serde_json::from_value(json).unwrap()
    }

    /// What Docker 20.10 says, cut down.
    fn running() -> serde_json::Value {
        serde_json::json!({
            "Name": "/shop-web-1",
            "Image": "sha256:aa",
            "RestartCount": 3,
            "State": {
                "Status": "running", "Running": true, "Paused": false, "Restarting": false, "OOMKilled": false,
                "Dead": false, "Pid": 4711, "StartedAt": "2026-01-02T03:04:05.123456789Z",
                "FinishedAt": "0001-01-01T00:00:00Z"
            },
            "Config": {"Image": "shop/web:1", "Labels": {"com.docker.compose.service": "web"}},
            "HostConfig": {"NetworkMode": "shop_default", "Memory": 67_108_864, "NanoCpus": 500_000_000, "CgroupParent": ""}
        })
    }

    #[test]
    fn what_matters_is_taken_out() {
        let found = Inspected::new("0123456789abcdef", answer(running())).unwrap();
        assert_eq!(found.identity.service, "web");
        assert_eq!(found.identity.image, "shop/web:1");
        assert_eq!((found.phase, found.pid, found.restarts), (Phase::Running, Some(4711), 3));
        assert_eq!(found.limits, Limits { cpu_cores: Some(0.5), memory_bytes: Some(67_108_864) });
        assert_eq!(found.started, Some(1_767_323_045.123_456));
        assert_eq!(found.network, SharedNetwork::Own);
    }

    #[test]
    fn zero_means_no_limit() {
        let mut json = running();
        json["HostConfig"] =
            serde_json::json!({"NetworkMode": "host", "Memory": 0, "NanoCpus": 0, "CpuQuota": 0});
        let found = Inspected::new("0123456789abcdef", answer(json)).unwrap();
        assert_eq!(found.limits, Limits::default());
        assert_eq!(found.network, SharedNetwork::Shared);
    }

    #[test]
    fn a_quota_is_a_limit_too() {
        let host = HostConfig { cpu_quota: Some(150_000), cpu_period: Some(50_000), ..HostConfig::default() };
        assert_eq!(Limits::of(&host).cpu_cores, Some(3.0));
    }

    #[test]
    fn what_was_never_started_is_not_watched() {
        let mut json = running();
        json["State"]["Status"] = "created".into();
        assert!(Inspected::new("0123456789abcdef", answer(json)).is_none());
    }

    #[test]
    fn a_borrowed_network_is_not_the_containers_own() {
        assert_eq!(network("container:abc", false), SharedNetwork::Shared);
        assert_eq!(network("container:abc", true), SharedNetwork::Own);
        assert_eq!(network("bridge", false), SharedNetwork::Own);
    }
}
