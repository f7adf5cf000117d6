//! How often a container's processes were killed for want of memory, over all its runs.

/// Three witnesses tell of the same kills, and none of them sees all:
///
/// - the cgroup's own counter is exact, but it is gone with the container's run, often before anybody has read it;
/// - Docker's `oom` events come for the first process as for a later one, but a burst of kills can be one event, and
///   those that were sent while nobody listened are lost;
/// - the flag that Docker keeps with an ended container says "at least one", and only for its newest run.
///
/// Within one run, each of the first two only grows and counts nothing but this run's kills. So the largest of the
/// three is what has certainly happened, and taking the largest counts no kill twice. Across runs, kills add up: when
/// a run begins, the one before is closed with its largest figure.
///
/// A run begins with Docker's `start` event and not with its end, because an `oom` event can come after the `die` of
/// its run; a restart takes Docker at least a tenth of a second, in which such a latecomer has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OomLedger {
    closed: u64,
    from_cgroup: u64,
    from_events: u64,
    flagged: bool,
}

impl OomLedger {
    /// All kills that are known of.
    pub(crate) fn total(self) -> u64 {
        self.closed + self.from_cgroup.max(self.from_events).max(self.flagged.into())
    }

    /// A new run begins.
    pub(crate) fn begin_run(&mut self) {
        *self = Self { closed: self.total(), ..Self::default() };
    }

    /// Docker tells of a kill in the run.
    pub(crate) fn heard(&mut self) {
        self.from_events += 1;
    }

    /// The cgroup counts this many kills in the run.
    pub(crate) fn counted(&mut self, kills: u64) {
        self.from_cgroup = self.from_cgroup.max(kills);
    }

    /// Docker's flag is set for the run. To be used only where events may have been missed: with every event heard, it
    /// tells nothing new, and it may be read a moment after the next run has ended too.
    pub(crate) fn flagged(&mut self) {
        self.flagged = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_kill_is_counted_once() {
        let mut ledger = OomLedger::default();
        ledger.heard();
        ledger.counted(1);
        ledger.flagged();
        assert_eq!(ledger.total(), 1);
    }

    #[test]
    fn a_burst_that_made_one_event_counts_in_full() {
        let mut ledger = OomLedger::default();
        ledger.heard();
        ledger.counted(3);
        assert_eq!(ledger.total(), 3);
    }

    #[test]
    fn runs_add_up() {
        let mut ledger = OomLedger::default();
        ledger.heard();
        ledger.counted(1);
        ledger.begin_run();
        assert_eq!(ledger.total(), 1);
        ledger.counted(0);
        ledger.heard();
        ledger.begin_run();
        assert_eq!(ledger.total(), 2);
    }

    #[test]
    fn an_event_after_the_end_of_its_run_belongs_to_that_run() {
        let mut ledger = OomLedger::default();
        ledger.counted(1);
        // The container has died here; no new run has begun.
        ledger.heard();
        ledger.begin_run();
        assert_eq!(ledger.total(), 1);
    }
}
