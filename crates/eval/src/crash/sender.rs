//! One sender: delivers each body again and again until it is accepted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Dice, Ledger, Sent,
    alerts::{Group, Times},
};
use crate::server::{Answer, Server};

/// Alertmanager's back-off grows by half each time, from half a second; here it is faster, because servers are gone for
/// a moment only.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How many services a sender has alerts of at a time.
const GROUPS: usize = 2;

/// A server, and whether somebody took it away for good.
pub(super) struct Peer {
    pub(super) server: Server,
    pub(super) gone: AtomicBool,
}

pub(super) struct Sender {
    pub(super) number: usize,
    /// Every body goes to each of them, as it does where several Alertmanagers tell each server.
    pub(super) peers: Arc<Vec<Peer>>,
    pub(super) sent: Arc<Mutex<Sent>>,
    pub(super) dice: Dice,
    pub(super) times: Times,
    /// The longest pause between two bodies.
    pub(super) pause: Duration,
    /// How long a service is kept before its alerts are left as they are.
    pub(super) service_lasts: Duration,
    pub(super) stop: CancellationToken,
}

impl Sender {
    /// Sends until it is told to stop; the last body is still delivered.
    pub(super) async fn run(mut self) -> Ledger {
        let mut ledger = Ledger::default();
        let mut services = 0;
        let mut groups: Vec<(Group, Instant)> = Vec::new();
        while !self.stop.is_cancelled() {
            groups.retain(|(_, until)| Instant::now() < *until);
            while groups.len() < GROUPS {
                services += 1;
                // The first ones end at different times, so that services come and go evenly.
                let lasts = self.service_lasts.mul_f64(if services == 1 { 0.5 } else { 1.0 });
                let service = format!("service-{:02}-{services:04}", self.number);
                groups.push((Group::new(service), Instant::now() + lasts));
            }
            let chosen = usize::try_from(self.dice.below(GROUPS as u64)).unwrap_or(0);
            let group = &mut groups[chosen].0;
            group.change(&mut self.dice, &mut self.times);
            if let Some(body) = group.body() {
                if self.deliver_to_all(body).await {
                    group.accepted(&mut ledger);
                } else {
                    return ledger;
                }
            }
            let pause = self.dice.between(Duration::ZERO, self.pause);
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = sleep(pause) => {}
            }
        }
        ledger
    }

    /// Whether at least one server accepted it. If none did, this sender's alerts have gone wrong: it stops.
    async fn deliver_to_all(&mut self, body: Vec<u8>) -> bool {
        self.count(|sent| sent.webhooks += 1);
        let dice: Vec<Dice> = self.peers.iter().map(|_| self.dice.split()).collect();
        let this = &*self;
        let deliveries = this.peers.iter().zip(dice).map(|(peer, dice)| this.deliver(peer, &body, dice));
        let accepted = join_all(deliveries).await.contains(&true);
        if accepted {
            self.count(|sent| sent.accepted += 1);
        }
        accepted
    }

    /// Sends the same bytes until they are accepted, or refused for good, or the server is gone for good.
    async fn deliver(&self, peer: &Peer, body: &[u8], mut dice: Dice) -> bool {
        let mut pause = FIRST_PAUSE;
        while !peer.gone.load(Ordering::Relaxed) {
            match peer.server.post("webhook/alertmanager", body.to_vec()).await {
                Answer::Accepted => return true,
                Answer::Refused { status, reason } => {
                    self.count(|sent| {
                        sent.refused_4xx += 1;
                        sent.first_4xx.get_or_insert_with(|| {
                            format!("{status}: {}", reason.as_deref().unwrap_or("no reason"))
                        });
                    });
                    return false;
                }
                Answer::Failed { status, reason, explained } => {
                    self.count(|sent| sent.count_failure(status, &reason, explained));
                }
            }
            sleep(dice.between(pause / 2, pause)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
        false
    }

    fn count(&self, change: impl FnOnce(&mut Sent)) {
        change(&mut self.sent.lock().expect("never poisoned: counting does not panic"));
    }
}

impl Sent {
    fn count_failure(&mut self, status: Option<u16>, reason: &str, explained: bool) {
        self.retried += 1;
        let Some(status) = status else {
            self.unanswered += 1;
            return;
        };
        *self.answered_5xx.entry(status).or_default() += 1;
        if status == 503 && explained {
            self.first_503.get_or_insert_with(|| reason.to_owned());
        } else {
            self.unclean += 1;
            self.first_unclean.get_or_insert_with(|| format!("{status}: {reason}"));
        }
    }
}
