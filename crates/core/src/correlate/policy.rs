use chrono::TimeDelta;

/// What an operator can set.
#[derive(Debug, Clone)]
pub struct Policy {
    /// An alert that fires again within this time after its incident was resolved reopens that incident.
    pub reopen_window: TimeDelta,
    /// The name of the alert that always fires, to show that alerts arrive at all.
    pub heartbeat_alert: String,
    /// An incident that came back this often has its next end held back.
    pub flaps: u32,
    /// Coming back counts as flapping within this time of the last time.
    pub flap_window: TimeDelta,
    /// What flaps counts as over when nothing of it has fired for this long.
    pub flap_quiet: TimeDelta,
    /// A body that says that an alert fires, with a start that is known to have ended, is a late one within this time
    /// after the end came. Later, its sender means it.
    pub late_window: TimeDelta,
    /// An alert that its sender has not repeated for this long counts as over.
    pub stale_after: TimeDelta,
    /// So many incidents opened within [`Policy::storm_window`] are a storm.
    pub storm_incidents: u32,
    /// See [`Policy::storm_incidents`].
    pub storm_window: TimeDelta,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            reopen_window: TimeDelta::minutes(30),
            heartbeat_alert: "Watchdog".to_owned(),
            flaps: 3,
            flap_window: TimeDelta::hours(1),
            flap_quiet: TimeDelta::minutes(10),
            late_window: TimeDelta::minutes(5),
            stale_after: TimeDelta::hours(24),
            storm_incidents: 100,
            storm_window: TimeDelta::minutes(1),
        }
    }
}
