//! The HTTP benchmark: webhooks that are on the disk before they are answered, beside the same server's no-op.
//!
//! The load is a closed loop: each sender has one connection and sends its next request when the last is answered.
//! Different loads take turns within a round, so that a slow minute of the machine touches all of them, and a figure
//! is the median over the rounds. Servers are measured one after the other: a database that has taken much still writes
//! it to its place while nobody asks anything of it. At the end every alert that was answered with 202 must be among the server's alerts.

mod answer;
pub mod enriched;
mod error;
mod figures;
mod kept;
pub mod live;
mod load;
pub mod machine;
pub mod reads;
mod requests;
mod sse;
pub mod status;

use std::{net::SocketAddr, sync::Arc, sync::atomic::AtomicU64, time::Duration};

use url::Url;

use self::{
    figures::Series,
    load::Load,
    requests::{Template, Traffic},
};
use crate::server::Server;

pub use error::BenchError;
pub use figures::{BenchReport, Figure, Settings, Times};
pub use kept::Kept;

/// The name of the figure that the others of OpsSeer's are compared with.
const NO_OP: &str = "/healthz";

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
    /// What tells it from the others: its database.
    pub name: &'static str,
    /// Its address; plain HTTP.
    pub url: Url,
    /// Its process, to tell what an answer costs in processor time.
    pub pid: Option<u32>,
}

/// A load that has its turn in each round.
struct Turn {
    name: String,
    senders: usize,
    address: SocketAddr,
    pid: Option<u32>,
    traffic: Arc<Traffic>,
    series: Series,
    /// The place of the server that is being measured when this has its turn.
    server: usize,
    /// Whether that server is to keep the alerts, each of which is a new one.
    is_kept: bool,
}

impl Turn {
    async fn new(
        name: String,
        senders: usize,
        target: &Target,
        traffic: Traffic,
        beside: Option<&'static str>,
    ) -> Result<Self, BenchError> {
        Ok(Self {
            series: Series::new(name.clone(), senders, beside),
            name,
            senders,
            address: resolve(&target.url).await?,
            pid: target.pid,
            traffic: Arc::new(traffic),
            server: 0,
            is_kept: false,
        })
    }

    fn load(&self, warm_up: Duration, measured: Duration) -> Load {
        let Self { senders, address, pid, .. } = *self;
        Load { address, traffic: Arc::clone(&self.traffic), senders, warm_up, measured, pid }
    }
}

/// Measures the servers of OpsSeer, which must be fresh, and `toyprod`. `progress` hears of each turn before it begins.
pub async fn run(
    plan: &Plan,
    opsseer: &[Target],
    toyprod: Option<&Target>,
    mut progress: impl FnMut(&str),
) -> Result<BenchReport, BenchError> {
    let mut turns = turns(plan, opsseer, toyprod).await?;
    // The number of the next alert. Shared by all webhook loads, so that no alert is sent twice.
    let next = Arc::new(AtomicU64::new(0));
    // What each server answered with 202, in the order of the servers.
    let mut acknowledged = vec![Vec::new(); opsseer.len()];
    // Incidents that open ask for work of their own (runbooks, pictures). It is done before anything is measured.
    progress("opening the incidents, then waiting until the work that follows is done");
    for (place, target) in opsseer.iter().enumerate() {
        if let Some(webhook) = turns.iter().find(|turn| turn.is_kept && turn.server == place) {
            let opened = webhook.load(OPENING, Duration::ZERO).run(Arc::clone(&next)).await?;
            acknowledged[place].extend(opened.acknowledged);
        }
        settle(target.pid).await;
    }
    for turns in turns.chunk_by_mut(|one, next| one.server == next.server) {
        for (place, numbers) in
            take_turns(turns, (plan.rounds, plan.warm_up, plan.measured), &next, &mut progress).await?
        {
            acknowledged[place].extend(numbers);
        }
    }
    progress("looking for every alert that was answered with 202");
    let mut kept = Vec::new();
    for (target, acknowledged) in opsseer.iter().zip(&acknowledged) {
        kept.push(kept::look_for(target.name, &Server::new(&target.url)?, acknowledged).await?);
    }
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

/// Lets every load have its turn in every round. Gives the numbers that each server has acknowledged.
async fn take_turns(
    turns: &mut [Turn],
    (rounds, warm_up, measured): (usize, Duration, Duration),
    next: &Arc<AtomicU64>,
    progress: &mut impl FnMut(&str),
) -> Result<Vec<(usize, Vec<u64>)>, BenchError> {
    let mut acknowledged = Vec::new();
    for round in 1..=rounds {
        for turn in &mut *turns {
            progress(&format!("round {round} of {rounds}: {}, {} senders", turn.name, turn.senders));
            let mut one = turn.load(warm_up, measured).run(Arc::clone(next)).await?;
            if turn.is_kept {
                acknowledged.push((turn.server, std::mem::take(&mut one.acknowledged)));
            }
            turn.series.add(one);
        }
    }
    Ok(acknowledged)
}

async fn turns(plan: &Plan, opsseer: &[Target], toyprod: Option<&Target>) -> Result<Vec<Turn>, BenchError> {
    let mut turns = Vec::new();
    for &senders in &plan.senders {
        for (place, target) in opsseer.iter().enumerate() {
            let host = resolve(&target.url).await?.to_string();
            let requests = (0..SERVICES).map(|service| requests::webhook(&host, service)).collect();
            let traffic = Traffic { requests, expected: 202, numbered: true };
            let name = format!("webhook, new alerts, {}", target.name);
            let mut turn = Turn::new(name, senders, target, traffic, Some(NO_OP)).await?;
            (turn.server, turn.is_kept) = (place, true);
            turns.push(turn);
        }
        if let Some(target) = opsseer.first() {
            let host = resolve(&target.url).await?.to_string();
            let traffic = Traffic::gets(vec![Template::get(&host, "/healthz")]);
            turns.push(Turn::new(NO_OP.to_owned(), senders, target, traffic, None).await?);
        }
    }
    let most = plan.senders.first().copied().unwrap_or(1);
    for (place, target) in opsseer.iter().enumerate() {
        let host = resolve(&target.url).await?.to_string();
        let requests = vec![requests::repeated_webhook(&host)];
        let traffic = Traffic { requests, expected: 202, numbered: false };
        let name = format!("webhook, same alert, {}", target.name);
        let mut turn = Turn::new(name, most, target, traffic, Some(NO_OP)).await?;
        turn.server = place;
        turns.push(turn);
    }
    if let Some(toyprod) = toyprod {
        let host = resolve(&toyprod.url).await?.to_string();
        let traffic = Traffic::gets(vec![Template::get(&host, "/orders?count=10")]);
        turns.push(Turn::new("toyprod /orders?count=10".to_owned(), most, toyprod, traffic, None).await?);
    }
    turns.sort_by_key(|turn| turn.server);
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
