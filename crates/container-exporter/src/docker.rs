//! Docker's API, as far as it is used: five requests, each with a time limit, each only reading.

use std::{collections::HashMap, time::Duration};

use bollard::{
    API_DEFAULT_VERSION, Docker,
    models::{ContainerInspectResponse, ContainerStatsResponse, EventMessage},
    query_parameters::{
        EventsOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder, StatsOptionsBuilder,
    },
};
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::time::timeout;

use crate::settings::{DockerHost, Settings};

/// What was asked of Docker when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Connect,
    List,
    Inspect,
    Events,
    Stats,
}

impl Operation {
    /// All of them, in the order of their counters.
    pub(crate) const ALL: [Self; 5] = [Self::Connect, Self::List, Self::Inspect, Self::Events, Self::Stats];

    /// Its name in metrics and logs.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::List => "list",
            Self::Inspect => "inspect",
            Self::Events => "events",
            Self::Stats => "stats",
        }
    }
}

/// Why Docker did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DockerError {
    /// It refused, or the connection broke.
    #[error("Docker failed to answer \"{}\"", .operation.as_str())]
    Failed { operation: Operation, source: bollard::errors::Error },
    /// It took too long.
    #[error("Docker did not answer \"{}\" within {after:?}", .operation.as_str())]
    TimedOut { operation: Operation, after: Duration },
    /// It closed a stream that should go on.
    #[error("Docker ended \"{}\"", .operation.as_str())]
    Ended { operation: Operation },
    /// The container is no more.
    #[error("Docker knows no such container")]
    NoSuchContainer,
}

impl DockerError {
    /// What was asked; `None` where the failure is the container's end and not Docker's.
    pub(crate) fn operation(&self) -> Option<Operation> {
        match self {
            Self::Failed { operation, .. } | Self::TimedOut { operation, .. } | Self::Ended { operation } => {
                Some(*operation)
            }
            Self::NoSuchContainer => None,
        }
    }
}

/// The events that change what is known of a container. Others, such as those of health checks, are many and are not
/// asked for.
const EVENTS: [&str; 8] = ["start", "die", "oom", "destroy", "pause", "unpause", "rename", "update"];

/// A container in Docker's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// All 64 hexadecimal digits.
    pub(crate) id: String,
    /// `running`, `paused` or `restarting`.
    pub(crate) state: String,
}

/// A client of Docker. Cheap to clone. Each request has a connection of its own, which ends with the request.
#[derive(Clone)]
pub(crate) struct Engine {
    docker: Docker,
    limit: Duration,
}

impl Engine {
    /// Connects, and settles on an API version that both sides speak.
    pub(crate) async fn connect(settings: &Settings) -> Result<Self, DockerError> {
        let limit = settings.docker_timeout;
        // The client's own limit ends with the headers of an answer; ours holds for the whole of it.
        let seconds = limit.as_secs().max(1);
        let failed = |source| DockerError::Failed { operation: Operation::Connect, source };
        let docker = match &settings.docker_host {
            DockerHost::Unix(path) => Docker::connect_with_socket(path, seconds, API_DEFAULT_VERSION),
            DockerHost::Tcp(address) => Docker::connect_with_http(address, seconds, API_DEFAULT_VERSION),
        }
        .map_err(failed)?;
        let docker = within(Operation::Connect, limit, docker.negotiate_version()).await?;
        Ok(Self { docker, limit })
    }

    /// The containers that run, are paused or are being restarted.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, DockerError> {
        let states = HashMap::from([("status", vec!["running", "paused", "restarting"])]);
        let options = ListContainersOptionsBuilder::new().filters(&states).build();
        let found = within(Operation::List, self.limit, self.docker.list_containers(Some(options))).await?;
        let listed = found.into_iter().filter_map(|container| {
            let state = container.state.map(|state| state.to_string()).unwrap_or_default();
            Some(Listed { id: container.id?, state })
        });
        Ok(listed.collect())
    }

    /// Everything about one container.
    pub(crate) async fn inspect(&self, id: &str) -> Result<ContainerInspectResponse, DockerError> {
        let answer = self.docker.inspect_container(id, None::<InspectContainerOptions>);
        within(Operation::Inspect, self.limit, answer).await
    }

    /// What happens to containers, from the moment that this is first polled. It goes on until Docker ends it.
    pub(crate) fn events(&self) -> impl Stream<Item = Result<EventMessage, DockerError>> + Send + use<> {
        let wanted = HashMap::from([("type", vec!["container"]), ("event", EVENTS.to_vec())]);
        let options = EventsOptionsBuilder::new().filters(&wanted).build();
        self.docker.events(Some(options)).map_err(|error| from_client(Operation::Events, error))
    }

    /// A container's figures, about one a second, for as long as it runs.
    pub(crate) fn follow_stats(
        &self,
        id: &str,
    ) -> impl Stream<Item = Result<ContainerStatsResponse, DockerError>> + Send + use<> {
        let options = StatsOptionsBuilder::new().stream(true).build();
        self.docker.stats(id, Some(options)).map_err(|error| from_client(Operation::Stats, error))
    }

    /// A container's figures, once.
    pub(crate) async fn stats(&self, id: &str) -> Result<ContainerStatsResponse, DockerError> {
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let mut answers = Box::pin(self.docker.stats(id, Some(options)));
        let first = timeout(self.limit, answers.next()).await;
        let operation = Operation::Stats;
        match first {
            Ok(Some(answer)) => answer.map_err(|error| from_client(operation, error)),
            Ok(None) => Err(DockerError::Ended { operation }),
            Err(_) => Err(DockerError::TimedOut { operation, after: self.limit }),
        }
    }
}

async fn within<T>(
    operation: Operation,
    limit: Duration,
    answer: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, DockerError> {
    match timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| from_client(operation, error)),
        Err(_) => Err(DockerError::TimedOut { operation, after: limit }),
    }
}

fn from_client(operation: Operation, source: bollard::errors::Error) -> DockerError {
    match source {
        bollard::errors::Error::DockerResponseServerError { status_code: 404, .. }
            if matches!(operation, Operation::Inspect | Operation::Stats) =>
        {
            DockerError::NoSuchContainer
        }
        source => DockerError::Failed { operation, source },
    }
}
