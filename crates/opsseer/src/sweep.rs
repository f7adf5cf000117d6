//! What ends because time passes: incidents that flapped and are quiet now, and alerts that nobody repeats any more.

use std::time::Duration;

use opsseer_core::{lapse, stale};
use opsseer_store::StoreError;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use crate::{
    app::{App, SharedApp},
    ingest::IngestError,
};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);

/// Of several replicas one looks. It may be late twice before another takes over.
const DUTY: (&str, Duration) = ("sweep", Duration::from_secs(30));

/// Incidents and alerts that one look ends at most; the next look takes the rest.
const MOST: u32 = 500;

/// Why what is over could not be ended. The next look tries again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The store refused.
    #[error("incidents that are over could not be ended")]
    Store(#[from] StoreError),
    /// The end of alerts was not taken.
    #[error("alerts that are over could not be ended")]
    Ingest(#[from] IngestError),
}

/// Looks again and again until the server ends.
pub(crate) fn start(app: &SharedApp) {
    app.vital.start("sweep", run(app.clone()));
}

async fn run(app: SharedApp) {
    let holder = Uuid::now_v7();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while app.ending.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = sweep_in_turn(&app, holder).await {
            tracing::warn!(error = format!("{:#}", anyhow::Error::new(error)), "looking again in a moment");
        }
    }
}

async fn sweep_in_turn(app: &App, holder: Uuid) -> Result<(), SweepError> {
    if app.store.hold_duty(DUTY.0, holder, DUTY.1).await? {
        sweep(app).await?;
    }
    Ok(())
}

/// Ends what is over now.
pub async fn sweep(app: &App) -> Result<(), SweepError> {
    end_quiet_incidents(app).await?;
    end_stale_alerts(app).await
}

async fn end_quiet_incidents(app: &App) -> Result<(), SweepError> {
    let policy = app.config.policy();
    let Some(before) = app.clock.now().checked_sub_signed(policy.flap_quiet) else { return Ok(()) };
    let quiet = app.store.list_quiet_flapping(before, MOST).await?;
    if quiet.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.begin().await?;
    for incident in quiet {
        // It may have fired again since it was read.
        let Some(incident) = tx.find_incident(incident.id.into()).await? else { continue };
        if let Some(end) = lapse(&incident, &policy, tx.now()) {
            tx.append(incident, vec![end]);
        }
    }
    tx.commit().await?;
    Ok(())
}

async fn end_stale_alerts(app: &App) -> Result<(), SweepError> {
    let policy = app.config.policy();
    let now = app.clock.now();
    let Some(before) = now.checked_sub_signed(policy.stale_after) else { return Ok(()) };
    // A server that was down heard of nothing: what it then missed is no sign that nobody sent it.
    if before < app.started_at {
        return Ok(());
    }
    let silent = app.store.list_stale_alerts(before, MOST).await?;
    let ended: Vec<_> =
        silent.iter().filter_map(|one| stale(&one.alert, one.last_seen_at, &policy, now)).collect();
    if ended.is_empty() {
        return Ok(());
    }
    tracing::info!(alerts = ended.len(), "alerts that nobody repeats are over");
    app.ingest.submit(ended).await?;
    Ok(())
}
