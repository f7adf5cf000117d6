//! What the exporter is told at its start.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

/// Where Docker listens, when nobody says otherwise.
pub const DEFAULT_DOCKER_HOST: &str = "unix:///var/run/docker.sock";

/// All settings. [`Settings::new`] has the values that fit nearly everybody; the fields may then be changed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where Docker listens.
    pub docker_host: DockerHost,
    /// The mount of the cgroup file system, of the host: `/sys/fs/cgroup`, or where a container has it mounted.
    pub cgroup_root: PathBuf,
    /// The mount of the host's `/proc`.
    pub proc_root: PathBuf,
    /// The most streams of `stats` that are held open at once, for containers whose cgroups cannot be seen.
    pub max_streams: usize,
    /// How long Docker may take to answer one request. Streams are not bound by it once they have begun.
    pub docker_timeout: Duration,
    /// How often Docker is asked for its list of containers, to learn that it hangs and to see what events did not tell.
    pub list_every: Duration,
    /// How long a container that has ended stays known, so that an OOM kill or a last restart can be scraped.
    pub keep_exited: Duration,
    /// How long a scrape waits for its reading before it is given the one before.
    pub scrape_timeout: Duration,
}

impl Settings {
    /// The usual settings for the Docker engine at `docker_host`.
    pub fn new(docker_host: DockerHost) -> Self {
        Self {
            docker_host,
            cgroup_root: PathBuf::from("/sys/fs/cgroup"),
            proc_root: PathBuf::from("/proc"),
            max_streams: 50,
            docker_timeout: Duration::from_secs(10),
            list_every: Duration::from_secs(30),
            keep_exited: Duration::from_mins(10),
            scrape_timeout: Duration::from_secs(2),
        }
    }
}

/// An address of Docker's API, in the form of `DOCKER_HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DockerHost {
    /// A Unix socket, by its path.
    Unix(String),
    /// Plain HTTP, as a socket proxy speaks it: `host:port`.
    Tcp(String),
}

impl fmt::Display for DockerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{path}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Why an address is not one that the exporter can use.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum DockerHostError {
    /// There is nothing after the scheme.
    #[error("`{0}` names no socket and no host")]
    Empty(String),
    /// Docker over TLS or SSH.
    #[error(
        "`{0}`: only unix:// and tcp:// are spoken; put a socket proxy or an SSH tunnel before a remote Docker"
    )]
    Scheme(String),
}

impl FromStr for DockerHost {
    type Err = DockerHostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = if let Some(path) = text.strip_prefix("unix://") {
            Self::Unix(path.to_owned())
        } else if text.starts_with('/') {
            Self::Unix(text.to_owned())
        } else if let Some(address) = text.strip_prefix("tcp://").or_else(|| text.strip_prefix("http://")) {
            Self::Tcp(address.trim_end_matches('/').to_owned())
        } else {
            return Err(DockerHostError::Scheme(text.to_owned()));
        };
        match &host {
            Self::Unix(rest) | Self::Tcp(rest) if rest.is_empty() => {
                Err(DockerHostError::Empty(text.to_owned()))
            }
            _ => Ok(host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_docker_host_are_read() {
        let unix = DockerHost::Unix("/run/user/1000/docker.sock".to_owned());
        assert_eq!("unix:///run/user/1000/docker.sock".parse(), Ok(unix.clone()));
        assert_eq!("/run/user/1000/docker.sock".parse(), Ok(unix));
        assert_eq!("tcp://proxy:2375/".parse(), Ok(DockerHost::Tcp("proxy:2375".to_owned())));
    }

    #[test]
    fn what_cannot_be_spoken_is_refused_with_a_way_out() {
        let refused = "ssh://me@host".parse::<DockerHost>().unwrap_err().to_string();
        assert!(refused.contains("ssh://me@host") && refused.contains("tunnel"), "{refused}");
        assert_eq!("tcp://".parse::<DockerHost>(), Err(DockerHostError::Empty("tcp://".to_owned())));
    }
}
