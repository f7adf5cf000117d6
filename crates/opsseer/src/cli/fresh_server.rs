//! Servers for a measurement: new, on a free port, with an empty folder, and gone afterwards.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use tempfile::TempDir;
use url::Url;

use crate::demo::{
    ports::Port,
    process::{Process, ProcessSpec},
    signals::StopSignals,
    surroundings::http_client,
};

/// How long a server may take to get ready.
const READY: Duration = Duration::from_secs(20);

/// How long it may take to stop before it is killed. Nothing of it is kept.
const STOP: Duration = Duration::from_secs(2);

/// Port 9, "discard", where nothing answers: a measured server must not ask the systems of the user's own.
const NOBODY: &str = "http://127.0.0.1:9";

/// A child process and its folder. Dropping it kills the one and removes the other.
pub(super) struct FreshServer {
    process: Process,
    url: Url,
    folder: TempDir,
}

impl FreshServer {
    /// This very program's `serve`, with the built-in configuration only: neither the user's file nor environment.
    pub(super) async fn opsseer() -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let folder = temporary_folder()?;
        let env = vec![
            ("OPSSEER_DATA_DIR", folder.path().join("data").into_os_string()),
            ("OPSSEER_PROMETHEUS__URL", NOBODY.into()),
            // Nor must it go on asking nobody while it is measured.
            ("OPSSEER_JOBS__RETRY_AFTER", "[]".into()),
        ];
        Self::start("opsseer", program, vec!["serve".into()], env, ("OPSSEER_HTTP__BIND", "readyz"), folder)
            .await
    }

    /// The `toyprod` that was built together with this program.
    pub(super) async fn toyprod() -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot tell where this program is")?;
        let program = program.with_file_name(format!("toyprod{}", env::consts::EXE_SUFFIX));
        if !program.is_file() {
            bail!("{} is not there; build it with `cargo build --release -p toyprod`", program.display());
        }
        Self::start("toyprod", program, vec![], vec![], ("TOYPROD_BIND", "healthz"), temporary_folder()?)
            .await
    }

    /// `bind` is the variable that tells it where to listen, and the path at which it says that it is ready.
    async fn start(
        name: &'static str,
        program: PathBuf,
        args: Vec<OsString>,
        mut env: Vec<(&'static str, OsString)>,
        (bind, ready): (&'static str, &str),
        folder: TempDir,
    ) -> anyhow::Result<Self> {
        let port = Port::take(0).context("cannot find a free port")?;
        let address = port.address();
        env.push((bind, address.to_string().into()));
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
        let mut process = Process::start(&spec)?;
        let url: Url = format!("http://{address}/").parse().context("a socket address makes a URL")?;
        process.wait_until_ready(&http_client()?, url.join(ready)?.as_str(), READY).await?;
        Ok(Self { process, url, folder })
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

    /// Stops it and removes its folder.
    pub(super) async fn stop(mut self) {
        self.process.stop(STOP).await;
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
