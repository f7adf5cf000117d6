//! Something that is done again and again, by one replica at a time.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};
use uuid::Uuid;

use crate::app::App;

/// Who holds a duty keeps it for so many rounds: one may be late without another taking over.
const ROUNDS_HELD: u32 = 2;

/// The pace of a duty.
pub(crate) struct Rounds {
    duty: &'static str,
    holder: Uuid,
    every: Duration,
    ticks: Interval,
}

impl Rounds {
    /// The first round is at once.
    pub(crate) fn new(duty: &'static str, every: Duration) -> Self {
        let mut ticks = interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { duty, holder: Uuid::now_v7(), every, ticks }
    }

    /// Waits for the next round. Gives whether it is this replica's.
    pub(crate) async fn next(&mut self, app: &App) -> bool {
        self.ticks.tick().await;
        match app.store.hold_duty(self.duty, self.holder, self.every * ROUNDS_HELD).await {
            Ok(is_ours) => is_ours,
            Err(error) => {
                tracing::warn!(duty = self.duty, error = %error, "whose turn it is cannot be found out");
                false
            }
        }
    }

    /// The round came to nothing. Another replica, which may be better placed, has its turn before this one.
    pub(crate) async fn give_up(&self, app: &App) {
        if let Err(error) = app.store.leave_duty(self.duty, self.holder).await {
            tracing::warn!(duty = self.duty, error = %error, "the turn cannot be given up");
        }
    }
}
