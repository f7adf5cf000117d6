use std::{
    sync::{Arc, Mutex, atomic::AtomicBool, atomic::Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    Dice, Ledger, Sent,
    alerts::Times,
    sender::{Peer, Sender},
};
use crate::{EvalError, server::Server};

/// How the senders send.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many there are, each with services of its own.
    pub senders: usize,
    /// Decides what they do.
    pub seed: u64,
    /// The time now.
    pub began: DateTime<Utc>,
    /// The longest pause of a sender between two bodies.
    pub pause: Duration,
    /// How long a sender keeps a service before it takes another: how many incidents there will be.
    pub service_lasts: Duration,
    /// How long a server may take to answer before the body is sent again.
    pub time_out: Duration,
}

/// Senders at work. Dropped, they stop where they are.
pub struct Load {
    peers: Arc<Vec<Peer>>,
    sent: Arc<Mutex<Sent>>,
    stop: CancellationToken,
    senders: JoinSet<Ledger>,
}

impl Load {
    /// Begins to send. Every body goes to each of `servers`.
    pub fn start(plan: &Plan, servers: &[Url]) -> Result<Self, EvalError> {
        let peer = |url: &Url| {
            Ok(Peer { server: Server::with_time_out(url, plan.time_out)?, gone: AtomicBool::new(false) })
        };
        let peers = Arc::new(servers.iter().map(peer).collect::<Result<Vec<_>, EvalError>>()?);
        let (sent, stop) = (Arc::<Mutex<Sent>>::default(), CancellationToken::new());
        let mut dice = Dice::new(plan.seed);
        let mut senders = JoinSet::new();
        for number in 0..plan.senders {
            let sender = Sender {
                number,
                peers: peers.clone(),
                sent: sent.clone(),
                dice: dice.split(),
                times: Times::new(plan.began),
                pause: plan.pause,
                service_lasts: plan.service_lasts,
                stop: stop.clone(),
            };
            senders.spawn(sender.run());
        }
        Ok(Self { peers, sent, stop, senders })
    }

    /// The server of this place in the list will not come back.
    pub fn give_up_on(&self, server: usize) {
        if let Some(peer) = self.peers.get(server) {
            peer.gone.store(true, Ordering::Relaxed);
        }
    }

    /// What was sent so far.
    pub fn sent(&self) -> Sent {
        self.sent.lock().expect("never poisoned: counting does not panic").clone()
    }

    /// Lets the senders deliver what they are about to, and stop. A server must be there.
    pub async fn finish(mut self) -> (Sent, Ledger) {
        self.stop.cancel();
        let mut ledger = Ledger::default();
        while let Some(one) = self.senders.join_next().await {
            // A sender does not panic, and nobody aborts it before this.
            ledger.add(one.expect("a sender comes to its end"));
        }
        (self.sent(), ledger)
    }
}
