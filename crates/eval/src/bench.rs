//! The HTTP benchmark: webhooks that are on the disk before they are answered, beside the same server's no-op.
//!
//! The load is a closed loop: each sender has one connection and sends its next request when the last is answered.
//! Different loads take turns within a round, so that a slow minute of the machine touches all of them, and a figure
//! is the median over the rounds. At the end every alert that was answered with 202 must be among the server's alerts.

mod answer;
mod error;
mod figures;
mod kept;
mod load;
pub mod machine;
mod requests;

use std::{net::SocketAddr, sync::Arc, sync::atomic::AtomicU64, time::Duration};

use url::Url;

use self::{
    figures::Series,
    load::Load,
    requests::{Template, Traffic},
};
use crate::server::Server;

pub use error::BenchError;
pub use figures::{BenchReport, Figure, Settings};
pub use kept::Kept;

/// The name of the figure that the others of OpsSeer's are compared with.
const NO_OP: &str = "opsseer /healthz";

/// How many services the alerts are about. Each has one open incident, which all its alerts join.
const SERVICES: u64 = 50;

/// How long the load runs that opens the incidents, before anything is measured.
const OPENING: Duration = Duration::from_secs(1);

/// The longest that the work which follows from it is waited for.
const SETTLING: Duration = Duration::from_secs(15);

/// What to measure, and for how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Numbers of senders to measure OpsSeer with, the most telling first: the others' figures use this one.
    pub senders: Vec<usize>,
    /// How often each load has its turn.
    pub rounds: usize,
    /// How long a load runs before it is measured.
    pub warm_up: Duration,
    /// How long it is measured.
    pub measured: Duration,
}

/// A server to measure.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its address; plain HTTP.
    pub url: Url,
    /// Its process, to tell what an answer costs in processor time.
    pub pid: Option<u32>,
}

/// A load that has its turn in each round.
struct Turn {
    name: &'static str,
    senders: usize,
    address: SocketAddr,
    pid: Option<u32>,
    traffic: Arc<Traffic>,
    series: Series,
}

impl Turn {
    fn load(&self, warm_up: Duration, measured: Duration) -> Load {
        let Self { senders, address, pid, .. } = *self;
        Load { address, traffic: Arc::clone(&self.traffic), senders, warm_up, measured, pid }
    }
}

/// Measures `opsseer`, which must be fresh, and `toyprod`. `progress` hears of each turn before it begins.
pub async fn run(
    plan: &Plan,
    opsseer: &Target,
    toyprod: Option<&Target>,
    mut progress: impl FnMut(&str),
) -> Result<BenchReport, BenchError> {
    let mut turns = turns(plan, opsseer, toyprod).await?;
    // The number of the next alert. Shared by all webhook loads, so that no alert is sent twice.
    let next = Arc::new(AtomicU64::new(0));
    let mut acknowledged = Vec::new();
    let server = Server::new(&opsseer.url)?;
    if let Some(webhook) = turns.first() {
        // Incidents that open ask for work of their own (runbooks, pictures). It is done before anything is measured.
        progress("opening the incidents, then waiting until the work that follows is done");
        acknowledged.extend(webhook.load(OPENING, Duration::ZERO).run(Arc::clone(&next)).await?.acknowledged);
        settle(opsseer.pid).await;
    }
    for round in 1..=plan.rounds {
        for turn in &mut turns {
            progress(&format!("round {round} of {}: {}, {} senders", plan.rounds, turn.name, turn.senders));
            let mut measured = turn.load(plan.warm_up, plan.measured).run(Arc::clone(&next)).await?;
            acknowledged.append(&mut measured.acknowledged);
            turn.series.add(measured);
        }
    }
    progress("looking for every alert that was answered with 202");
    let kept = kept::look_for(&server, &acknowledged).await?;
    let settings = Settings {
        rounds: plan.rounds,
        warm_up_seconds: plan.warm_up.as_secs_f64(),
        seconds_per_round: plan.measured.as_secs_f64(),
        services: SERVICES,
        loop_kind: "closed: one request in flight per sender, keep-alive, loopback",
    };
    let series: Vec<Series> = turns.into_iter().map(|turn| turn.series).collect();
    Ok(BenchReport { settings, figures: figures::of(&series), kept })
}

async fn turns(plan: &Plan, opsseer: &Target, toyprod: Option<&Target>) -> Result<Vec<Turn>, BenchError> {
    let address = resolve(&opsseer.url).await?;
    let host = address.to_string();
    let webhook = Arc::new(Traffic {
        requests: (0..SERVICES).map(|service| requests::webhook(&host, service)).collect(),
        expected: 202,
        numbered: true,
    });
    let health = Arc::new(Traffic {
        requests: vec![Template::get(&host, "/healthz")],
        expected: 200,
        numbered: false,
    });
    let repeated = Arc::new(Traffic {
        requests: vec![requests::repeated_webhook(&host)],
        expected: 202,
        numbered: false,
    });

    let mut turns = Vec::new();
    let mut turn = |name, senders, address, pid, traffic: &Arc<Traffic>, beside| {
        let series = Series::new(name, senders, beside);
        turns.push(Turn { name, senders, address, pid, traffic: Arc::clone(traffic), series });
    };
    for &senders in &plan.senders {
        turn("opsseer webhook, new alerts", senders, address, opsseer.pid, &webhook, Some(NO_OP));
        turn(NO_OP, senders, address, opsseer.pid, &health, None);
    }
    let most = plan.senders.first().copied().unwrap_or(1);
    turn("opsseer webhook, same alert", most, address, opsseer.pid, &repeated, Some(NO_OP));
    if let Some(toyprod) = toyprod {
        let address = resolve(&toyprod.url).await?;
        let orders = Arc::new(Traffic {
            requests: vec![Template::get(&address.to_string(), "/orders?count=10")],
            expected: 200,
            numbered: false,
        });
        turn("toyprod /orders?count=10", most, address, toyprod.pid, &orders, None);
    }
    Ok(turns)
}

/// Waits until the process does next to nothing, if that can be seen.
async fn settle(pid: Option<u32>) {
    const LOOK_EVERY: Duration = Duration::from_millis(500);
    const IDLE: Duration = Duration::from_millis(20);
    let end = tokio::time::Instant::now() + SETTLING;
    let mut before = pid.and_then(machine::cpu_time);
    while before.is_some() && tokio::time::Instant::now() < end {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = pid.and_then(machine::cpu_time);
        if before.zip(now).is_none_or(|(before, now)| now.saturating_sub(before) <= IDLE) {
            return;
        }
        before = now;
    }
}

async fn resolve(url: &Url) -> Result<SocketAddr, BenchError> {
    let bad = || BenchError::Address { url: url.to_string() };
    if url.scheme() != "http" {
        return Err(bad());
    }
    let host = url.host_str().ok_or_else(bad)?.to_owned();
    let port = url.port_or_known_default().ok_or_else(bad)?;
    let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    found.ok().and_then(|mut addresses| addresses.next()).ok_or_else(bad)
}
