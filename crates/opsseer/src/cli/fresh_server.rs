//! Servers for a measurement: new, on a free port, with an empty folder, and gone afterwards.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;
use url::Url;

use crate::demo::{
    places::Programs,
    ports::Port,
    process::{Process, ProcessSpec, last_lines},
    signals::StopSignals,
    surroundings::http_client,
};

/// How long a server may take to get ready.
const READY: Duration = Duration::from_secs(20);

/// How long it may take to stop before it is killed. Nothing of it is kept.
const STOP: Duration = Duration::from_secs(2);

/// Lines of its log that are shown when something fails.
const LAST_WORDS: usize = 12;

/// Port 9, "discard", where nothing answers: a measured server must not ask the systems of the user's own.
const NOBODY: &str = "http://127.0.0.1:9";

/// Environment variables and their values.
pub(super) type Variables = Vec<(&'static str, OsString)>;

/// A child process and its folder. Dropping it kills the one and removes the other.
pub(super) struct FreshServer {
    process: Process,
    spec: ProcessSpec,
    url: Url,
    ready: Url,
    http: reqwest::Client,
    folder: TempDir,
}

impl FreshServer {
    /// This very program's `serve`, with the built-in configuration only: neither the user's file nor environment.
    pub(super) async fn opsseer() -> anyhow::Result<Self> {
        Self::opsseer_with(vec![]).await
    }

    /// As [`FreshServer::opsseer`], with these variables set.
    pub(super) async fn opsseer_with(settings: Variables) -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let folder = temporary_folder()?;
        let mut env = vec![
            ("OPSSEER_DATA_DIR", folder.path().join("data").into_os_string()),
            ("OPSSEER_PROMETHEUS__URL", NOBODY.into()),
            // Nor must it go on asking nobody while it is measured.
            ("OPSSEER_JOBS__RETRY_AFTER", "[]".into()),
            // Its log goes to a file.
            ("NO_COLOR", "1".into()),
        ];
        // The last one of a name counts.
        env.extend(settings);
        Self::start("opsseer", program, folder, "readyz", move |address| {
            env.push(("OPSSEER_HTTP__BIND", address.to_string().into()));
            (vec!["serve".into()], env)
        })
        .await
    }

    /// The `toyprod` that was built together with this program.
    pub(super) async fn toyprod() -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let program = program.with_file_name(format!("toyprod{}", env::consts::EXE_SUFFIX));
        if !program.is_file() {
            bail!("{} is not there; build it with `cargo build --release -p toyprod`", program.display());
        }
        Self::start("toyprod", program, temporary_folder()?, "healthz", |address| {
            (vec![], vec![("TOYPROD_BIND", address.to_string().into())])
        })
        .await
    }

    /// The Alertmanager that is installed here, with this configuration, alone.
    pub(super) async fn alertmanager(config: &str) -> anyhow::Result<Self> {
        let own = env::current_exe().context("cannot tell where this program is")?;
        let program = Programs::find(&own, env::var_os("PATH").as_deref())?.alertmanager;
        let folder = temporary_folder()?;
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, config).with_context(|| format!("cannot write {}", file.display()))?;
        let data = folder.path().join("data");
        Self::start("Alertmanager", program, folder, "-/ready", move |address| {
            let argument = |name: &str, value: OsString| {
                let mut argument = OsString::from(format!("--{name}="));
                argument.push(value);
                argument
            };
            let args = vec![
                argument("config.file", file.into()),
                argument("storage.path", data.into()),
                argument("web.listen-address", address.to_string().into()),
                // It is to find no others.
                argument("cluster.listen-address", OsString::new()),
            ];
            (args, vec![])
        })
        .await
    }

    /// `ready` is the path at which it says that it is ready. `told` gives its arguments and environment, once it is known
    /// where it is to listen.
    async fn start(
        name: &'static str,
        program: PathBuf,
        folder: TempDir,
        ready: &str,
        told: impl FnOnce(SocketAddr) -> (Vec<OsString>, Variables),
    ) -> anyhow::Result<Self> {
        let port = Port::take(0).context("cannot find a free port")?;
        let address = port.address();
        let (args, env) = told(address);
        let inherited = env::vars_os().map(|(name, _)| name);
        let ours = |name: &OsString| name.to_str().is_some_and(|name| name.starts_with("OPSSEER_"));
        let spec = ProcessSpec {
            name,
            program,
            args,
            env_removed: inherited.filter(ours).collect(),
            env,
            folder: folder.path().to_owned(),
            log: folder.path().join("log"),
        };
        port.release();
        let process = Process::start(&spec)?;
        let url: Url = format!("http://{address}/").parse().context("a socket address makes a URL")?;
        let ready = url.join(ready)?;
        let mut server = Self { process, spec, url, ready, http: http_client()?, folder };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Waits until it says that it is ready.
    pub(super) async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        Ok(self.process.wait_until_ready(&self.http, self.ready.as_str(), READY).await?)
    }

    /// Kills it at once. Its folder stays.
    pub(super) async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await.with_context(|| format!("cannot kill {}", self.spec.name))
    }

    /// Starts it again after it was killed, at the same address and in the same folder.
    pub(super) fn start_again(&mut self) -> anyhow::Result<()> {
        self.process = Process::start(&self.spec)?;
        Ok(())
    }

    /// The end of its log, for a person who must find out why it failed.
    pub(super) fn last_words(&self) -> String {
        last_lines(self.process.log(), LAST_WORDS)
    }

    /// Where it listens.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The system's number for it.
    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it writes, it writes below this folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Asks it to stop, and kills it if it does not in time. Its folder stays.
    pub(super) async fn end(&mut self) {
        self.process.stop(STOP).await;
    }

    /// Stops it and removes its folder.
    pub(super) async fn stop(mut self) {
        self.end().await;
    }
}

/// Does `work`, or drops it at the first signal to stop: its servers and their folders go with it.
pub(super) async fn unless_stopped(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::listen().context("cannot listen for Ctrl-C")?;
    tokio::select! {
        done = work => done,
        signal = stop.next() => {
            writeln!(io::stderr(), "{signal}: nothing is left running")?;
            Ok(ExitCode::from(signal.exit_status()))
        }
    }
}

fn temporary_folder() -> anyhow::Result<TempDir> {
    tempfile::Builder::new().prefix("opsseer-fresh-").tempdir().context("cannot make a temporary folder")
}
