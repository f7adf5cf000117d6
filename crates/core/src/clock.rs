use chrono::{DateTime, SubsecRound, Utc};

/// Where the time comes from. Tests bring their own.
pub trait Clock: Send + Sync {
    /// The present instant, in whole microseconds: the finest step that both stores keep.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's time enters")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}
