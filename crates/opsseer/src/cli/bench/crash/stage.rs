//! What all scenarios share: a server with something to do, the load, and the look at the end.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, bail};
use opsseer_core::{Clock, SystemClock};
use opsseer_eval::crash::{self, Dice, Load, Plan};
use tempfile::TempDir;
use tokio::time::timeout;
use url::Url;

use super::report::ScenarioReport;
use crate::cli::{
    bench::{progress, stand_in::StandInPrometheus},
    fresh_server::Variables,
};

/// The longest pause of a sender between two bodies.
const PAUSE: Duration = Duration::from_millis(40);

/// How long a sender keeps a service. With eight senders this opens fewer incidents than OpsSeer calls a storm.
const SERVICE_LASTS: Duration = Duration::from_secs(14);

/// A sender waits no longer for an answer; Alertmanager's usual limit.
const TIME_OUT: Duration = Duration::from_secs(10);

/// How long the last bodies may take to be accepted, and the last jobs to be done.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runbooks for two of the three rules that the senders know.
const RUNBOOKS: [(&str, &str); 2] = [
    (
        "HighErrorRate",
        "# HighErrorRate\n\n## Do this first\n\n1. Roll the last release back:\n\n   ```sh\n   kubectl rollout undo deploy/api\n   ```\n",
    ),
    ("HighLatency", "# HighLatency\n\n## Do this first\n\n1. Look for slow queries in the database's log.\n"),
];

/// Who sends how, and the dice that decide what goes wrong when.
pub(super) struct Stage {
    pub(super) seed: u64,
    pub(super) senders: usize,
    pub(super) dice: Dice,
}

/// What a server needs so that all its jobs have something to show.
pub(super) struct Surroundings {
    prometheus: StandInPrometheus,
    folder: TempDir,
}

impl Surroundings {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("opsseer-crash-").context("cannot make a temporary folder")?;
        for (name, text) in RUNBOOKS {
            let file = folder.path().join(format!("{name}.md"));
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        Ok(Self { prometheus: StandInPrometheus::start().await?, folder })
    }

    /// Settings of a server that takes its unfinished work up again soon after a crash.
    pub(super) fn settings(&self) -> Variables {
        vec![
            ("OPSSEER_PROMETHEUS__URL", self.prometheus.url().into()),
            ("OPSSEER_RUNBOOKS__DIR", self.folder.path().into()),
            ("OPSSEER_JOBS__LEASE", "2s".into()),
            (
                "OPSSEER_JOBS__RETRY_AFTER",
                r#"["200ms","500ms","1s","1s","1s","1s","2s","2s","2s","2s"]"#.into(),
            ),
        ]
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Stage {
    /// Begins to send to all of `servers`.
    pub(super) fn load(&self, servers: &[Url]) -> anyhow::Result<Load> {
        let plan = Plan {
            senders: self.senders,
            seed: self.seed,
            began: SystemClock.now(),
            pause: PAUSE,
            service_lasts: SERVICE_LASTS,
            time_out: TIME_OUT,
        };
        Ok(Load::start(&plan, servers)?)
    }
}

/// Lets the senders finish and the server work off what it has to do, and looks at everything.
pub(super) async fn look(load: Load, server: &Url, report: &mut ScenarioReport) -> anyhow::Result<()> {
    progress("the load ends; waiting for the last jobs, then looking at everything");
    let so_far = load.sent();
    let Ok((sent, ledger)) = timeout(PATIENCE, load.finish()).await else {
        report.sent = so_far;
        bail!("the last webhooks were not accepted within {} s", PATIENCE.as_secs());
    };
    report.take_sent(sent);
    if !crash::settle(server, PATIENCE).await.context("cannot ask for jobs")? {
        report.faults.push(format!("jobs are still to be done after {} s", PATIENCE.as_secs()));
    }
    report.verdict = crash::verify(server, &ledger).await.context("cannot look at what the server keeps")?;
    Ok(())
}
