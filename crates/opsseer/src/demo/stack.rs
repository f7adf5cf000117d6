//! The stack: toyprod, the container exporter, Prometheus, Alertmanager and OpsSeer on loopback, started together and stopped together.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::{join_all, select_all, try_join_all};
use tokio::time::sleep;

use super::config::{self, ConfigError, ConfigFiles};
use super::guard::Guard;
use super::pieces::{Addresses, Piece};
use super::places::{Checkout, Programs};
use super::ports::Port;
use super::process::{Process, ProcessError, ProcessSpec};
use super::profile::Profile;

/// How long a piece may take until it answers. Prometheus replays its log first.
const LONGEST_START: Duration = Duration::from_mins(1);

/// How long a piece may take to stop before it is killed. OpsSeer gives open requests ten seconds.
const STOP_GRACE: Duration = Duration::from_secs(12);

/// Variables that would send requests for loopback somewhere else.
const PROXY_VARIABLES: [&str; 6] =
    ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/// Why the stack does not run.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// No port is free.
    #[error("cannot find a port for {piece}")]
    Port {
        /// Who needs it.
        piece: Piece,
        /// Why not.
        source: io::Error,
    },
    /// A folder of the run cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The shell that guards the stack does not start or is gone.
    #[error("cannot guard the stack against being killed")]
    Guard(#[source] io::Error),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A process.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// A piece that runs.
#[derive(Debug)]
pub struct Service {
    /// Which.
    pub piece: Piece,
    /// Where it listens.
    pub address: SocketAddr,
    /// The port that it would have had, if somebody else has it.
    pub instead_of: Option<u16>,
    /// Its process.
    pub process: Process,
}

/// What to run.
#[derive(Debug)]
pub struct StackPlan {
    /// Where rules and runbooks are read from.
    pub checkout: Checkout,
    /// The programs.
    pub programs: Programs,
    /// The rules' windows and waits.
    pub profile: Profile,
    /// Where data, configuration copies and logs go.
    pub folder: PathBuf,
    /// Whether the folder goes too when this process is killed outright.
    pub folder_is_temporary: bool,
}

/// The running stack. Dropping it kills all of it; [`Stack::stop`] is the polite way.
#[derive(Debug)]
pub struct Stack {
    // In this order: the processes are gone before the guard acts.
    services: Vec<Service>,
    guard: Guard,
    addresses: Addresses,
}

/// Between the moment a port is let go of and the moment its program takes it, somebody else may have it.
const TRIES_AGAIN: usize = 3;
const BEFORE_TRYING_AGAIN: Duration = Duration::from_millis(300);

/// Whether a program ended because its port was taken. All of ours say so in the words of the system.
fn lost_its_port(error: &ProcessError) -> bool {
    matches!(error, ProcessError::Ended { last_words, .. } if last_words.to_lowercase().contains("address already in use"))
}

impl Stack {
    /// Starts all pieces and waits until each is ready. If one fails, the others are stopped again.
    pub async fn start(plan: &StackPlan, http: &reqwest::Client) -> Result<Self, StackError> {
        let mut ports = Vec::new();
        for piece in Piece::ALL {
            ports.push((
                piece,
                Port::take(piece.usual_port()).map_err(|source| StackError::Port { piece, source })?,
            ));
        }
        let mut of_port = ports.iter().map(|(_, port)| port.address());
        let addresses = Addresses::new(|piece| of_port.next().unwrap_or_else(|| piece.usual_address()));
        for name in ["toyprod", "container-exporter", "prometheus-data", "alertmanager-data", "opsseer"] {
            let path = plan.folder.join(name);
            std::fs::create_dir_all(&path).map_err(|source| StackError::Folder { path, source })?;
        }
        let files = config::write(&plan.checkout, plan.profile, &addresses, &plan.folder)?;
        let guard = Guard::start(plan.folder_is_temporary.then_some(plan.folder.as_path()))
            .map_err(StackError::Guard)?;
        let mut stack = Self { services: Vec::new(), guard, addresses };
        match stack.start_services(plan, &files, ports, http).await {
            Ok(()) => Ok(stack),
            Err(error) => {
                stack.stop().await;
                Err(error)
            }
        }
    }

    /// Where each piece listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The pieces, along the way that an alert takes.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The log of a piece.
    pub fn log_of(&self, piece: Piece) -> Option<&Path> {
        self.services.iter().find(|service| service.piece == piece).map(|service| service.process.log())
    }

    /// Waits until a piece ends by itself; then the error says which and how.
    pub async fn ended(&mut self) -> ProcessError {
        let ends = self.services.iter_mut().map(|service| Box::pin(service.process.ended()));
        select_all(ends).await.0
    }

    /// Stops all pieces, politely at first.
    pub async fn stop(mut self) {
        join_all(self.services.iter_mut().map(|service| service.process.stop(STOP_GRACE))).await;
        self.services.clear();
        if let Err(error) = self.tell_guard() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the guard is gone");
        }
    }

    async fn start_services(
        &mut self,
        plan: &StackPlan,
        files: &ConfigFiles,
        ports: Vec<(Piece, Port)>,
        http: &reqwest::Client,
    ) -> Result<(), StackError> {
        for (piece, port) in ports {
            let (address, instead_of) = (port.address(), port.instead_of());
            port.release();
            let process = Process::start(&plan.spec(piece, &self.addresses, files))?;
            self.services.push(Service { piece, address, instead_of, process });
            self.tell_guard()?;
        }
        let mut again = 0;
        loop {
            let waits = self.services.iter_mut().map(|service| {
                let url = format!("http://{}{}", service.address, service.piece.readiness_path());
                async move {
                    let ready = service.process.wait_until_ready(http, &url, LONGEST_START).await;
                    ready.map_err(|error| (service.piece, error))
                }
            });
            // The first failure ends the wait: the others may wait long for the piece that is gone.
            match try_join_all(waits).await {
                Ok(_) => return Ok(()),
                Err((piece, error)) if again < TRIES_AGAIN && lost_its_port(&error) => {
                    again += 1;
                    tracing::warn!(%piece, "its port was taken for a moment; starting it again");
                    sleep(BEFORE_TRYING_AGAIN).await;
                    for service in self.services.iter_mut().filter(|service| service.piece == piece) {
                        service.process = Process::start(&plan.spec(piece, &self.addresses, files))?;
                    }
                    self.tell_guard()?;
                }
                Err((_, error)) => return Err(error.into()),
            }
        }
    }

    fn tell_guard(&mut self) -> Result<(), StackError> {
        let groups: Vec<u32> = self.services.iter().map(|service| service.process.pid()).collect();
        self.guard.tell(&groups).map_err(StackError::Guard)
    }
}

impl StackPlan {
    /// How a piece is started.
    fn spec(&self, piece: Piece, addresses: &Addresses, files: &ConfigFiles) -> ProcessSpec {
        let listen = addresses.of(piece);
        let flag = |name: &str, value: &dyn AsRef<std::ffi::OsStr>| {
            let mut flag = OsString::from(format!("--{name}="));
            flag.push(value);
            flag
        };
        let (program, args, mut env, folder) = match piece {
            Piece::Toyprod => (
                &self.programs.toyprod,
                vec![flag("bind", &listen.to_string())],
                vec![],
                self.folder.join("toyprod"),
            ),
            Piece::ContainerExporter => (
                &self.programs.container_exporter,
                vec![flag("bind", &listen.to_string())],
                vec![],
                self.folder.join("container-exporter"),
            ),
            Piece::Prometheus => {
                let args = vec![
                    flag("config.file", &files.prometheus),
                    flag("storage.tsdb.path", &self.folder.join("prometheus-data")),
                    flag("web.listen-address", &listen.to_string()),
                    flag("web.external-url", &addresses.url(piece)),
                    flag("rules.alert.resend-delay", &self.profile.resend_delay()),
                ];
                (&self.programs.prometheus, args, vec![], self.folder.clone())
            }
            Piece::Alertmanager => {
                let args = vec![
                    flag("config.file", &files.alertmanager),
                    flag("storage.path", &self.folder.join("alertmanager-data")),
                    flag("web.listen-address", &listen.to_string()),
                    flag("web.external-url", &addresses.url(piece)),
                    // Empty: one Alertmanager needs no cluster, and no open port for it.
                    flag("cluster.listen-address", &""),
                ];
                (&self.programs.alertmanager, args, vec![], self.folder.clone())
            }
            Piece::OpsSeer => {
                let data = self.folder.join("opsseer");
                let env = vec![
                    ("OPSSEER_HTTP__BIND", listen.to_string().into()),
                    ("OPSSEER_HTTP__PUBLIC_URL", addresses.url(piece).into()),
                    ("OPSSEER_DATA_DIR", data.clone().into_os_string()),
                    ("OPSSEER_PROMETHEUS__URL", addresses.url(Piece::Prometheus).into()),
                    ("OPSSEER_ALERTMANAGER__URL", addresses.url(Piece::Alertmanager).into()),
                    ("OPSSEER_RUNBOOKS__DIR", self.checkout.runbooks().into_os_string()),
                    ("OPSSEER_PROMETHEUS__SCRAPE_INTERVAL", self.profile.evaluation_interval_text().into()),
                    ("OPSSEER_FORECAST__EVERY", self.profile.forecast_every().into()),
                    ("OPSSEER_FORECAST__WATCH", WATCHED.into()),
                    ("OPSSEER_SLO__FILE", self.checkout.objectives().into_os_string()),
                ];
                (&self.programs.opsseer, vec!["serve".into()], env, data)
            }
        };
        // Logs are files.
        env.push(("NO_COLOR", "1".into()));
        ProcessSpec {
            name: piece.name(),
            program: program.clone(),
            args,
            env_removed: foreign_variables(piece),
            env,
            folder,
            log: self.folder.join(piece.log_file()),
        }
    }
}

/// What is forecast all the time: slowness grows, where errors come at once.
const WATCHED: &str = r#"[{alert = "ToyProdHighLatency"}]"#;

/// Where models are is true of the machine, and so of this stack.
const OF_THE_MACHINE: [&str; 2] = ["OPSSEER_AI__", "OPSSEER_LLM__"];

/// What the user has set for another OpsSeer, or for the internet, is not meant for this stack.
fn foreign_variables(piece: Piece) -> Vec<OsString> {
    let ours = |name: &str| {
        let name = name.to_uppercase();
        matches!(piece, Piece::OpsSeer)
            && name.starts_with("OPSSEER_")
            && !OF_THE_MACHINE.iter().any(|section| name.starts_with(section))
    };
    let names = std::env::vars_os().map(|(name, _)| name);
    names
        .filter(|name| name.to_str().is_some_and(|name| ours(name) || PROXY_VARIABLES.contains(&name)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(last_words: &str) -> ProcessError {
        let (name, how, log) = ("OpsSeer", "exit status 1".to_owned(), PathBuf::from("log"));
        ProcessError::Ended { name, how, log, last_words: last_words.to_owned() }
    }

    #[test]
    fn a_lost_port_is_told_from_other_ends_in_the_words_of_both_languages() {
        let rust = "opsseer: cannot listen on 127.0.0.1:8888: Address already in use (os error 98)";
        let go = "err=\"listen tcp 127.0.0.1:9090: bind: address already in use\"";
        assert!(lost_its_port(&ended(rust)) && lost_its_port(&ended(go)));
        assert!(!lost_its_port(&ended("the configuration is not understood")));
    }
}
