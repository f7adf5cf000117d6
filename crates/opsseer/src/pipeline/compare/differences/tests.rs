use opsseer_connect::alertmanager::{HeldStatus, Receiver};
use opsseer_core::{Alert, AlertSource, AlertStatus, IncidentId, Labels};
use uuid::Uuid;

use super::*;

const RULES: Rules<'_> = Rules {
    receiver: "",
    grace: TimeDelta::seconds(120),
    heartbeat: "Watchdog",
    heartbeat_max_age: TimeDelta::seconds(180),
};

/// The time of the first comparison.
const NOW: i64 = 10_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
}

fn labels(name: &str) -> Labels {
    [("alertname", name), ("service", "toyprod")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// As Alertmanager holds it.
fn held(name: &str, starts_at: i64) -> HeldAlert {
    let identity = Identity::of(&labels(name));
    HeldAlert {
        labels: labels(name),
        annotations: Labels::new(),
        fingerprint: identity.as_str().to_owned(),
        starts_at: at(starts_at),
        ends_at: at(100_000),
        updated_at: at(starts_at),
        generator_url: None,
        receivers: vec![Receiver { name: "opsseer".into() }],
        status: HeldStatus {
            state: HeldState::Active,
            silenced_by: vec![],
            inhibited_by: vec![],
            muted_by: vec![],
        },
    }
}

/// As the store knows it, firing.
fn known(name: &str, starts_at: i64, last_seen_at: i64) -> StoredAlert {
    let identity = Identity::of(&labels(name));
    StoredAlert {
        id: Uuid::now_v7(),
        incident: Some(IncidentId::generate()),
        first_seen_at: at(starts_at),
        last_seen_at: at(last_seen_at),
        alert: Alert {
            fingerprint: Fingerprint::given_or_computed(None, &identity),
            identity,
            source: AlertSource::Alertmanager,
            status: AlertStatus::Firing,
            labels: labels(name),
            annotations: Labels::new(),
            starts_at: at(starts_at),
            start_is_guessed: false,
            ends_at: None,
            generator_url: None,
            group_key: None,
            note: None,
        },
    }
}

/// One Alertmanager that has run for long, compared with again and again. Gives names of what fired and what resolved.
#[derive(Default)]
struct Comparer(Differences);

impl Comparer {
    fn compare(
        &mut self,
        second: i64,
        known: &[StoredAlert],
        held: &[HeldAlert],
    ) -> (Vec<String>, Vec<String>) {
        self.compare_with(second, known, held, 0, &RULES)
    }

    fn compare_with(
        &mut self,
        second: i64,
        known: &[StoredAlert],
        held: &[HeldAlert],
        started_at: i64,
        rules: &Rules<'_>,
    ) -> (Vec<String>, Vec<String>) {
        let seen = Seen { held, started_at: at(started_at), heartbeat: None };
        let missed = self.0.missed(known, &seen, rules, at(second));
        let fired = missed.fired.iter().map(|alert| alert.labels["alertname"].clone()).collect();
        (fired, missed.resolved.iter().map(|ended| ended.known.alert.name().to_owned()).collect())
    }

    /// As `compare`, where the heartbeat came last at `heartbeat`. Gives how many alerts count as over.
    fn ended(&mut self, second: i64, known: &[StoredAlert], held: &[HeldAlert], heartbeat: i64) -> usize {
        let seen = Seen { held, started_at: at(0), heartbeat: Some(at(heartbeat)) };
        self.0.missed(known, &seen, &RULES, at(second)).resolved.len()
    }
}

fn first(known: &[StoredAlert], held: &[HeldAlert]) -> (Vec<String>, Vec<String>) {
    Comparer::default().compare(NOW, known, held)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn what_changed_while_the_server_was_down_is_mended_at_once() {
    let missed = first(&[known("Slow", 8000, 9000)], &[held("Down", 9500)]);
    assert_eq!(missed, (names(&["Down"]), names(&["Slow"])));
}

#[test]
fn where_both_agree_nothing_was_missed() {
    assert_eq!(first(&[known("Slow", 8000, 8001)], &[held("Slow", 8000)]), (vec![], vec![]));
    assert_eq!(first(&[], &[]), (vec![], vec![]));
}

#[test]
fn what_has_only_just_changed_may_still_be_under_way() {
    assert_eq!(first(&[known("Slow", 8000, NOW - 60)], &[held("Down", NOW - 60)]), (vec![], vec![]));
}

#[test]
fn an_alert_that_ends_counts_as_missed_only_after_its_webhook_had_time_to_come() {
    let mut comparer = Comparer::default();
    let slow = [known("Slow", 8000, 8001)];
    assert_eq!(comparer.compare(NOW, &slow, &[held("Slow", 8000)]), (vec![], vec![]));
    assert_eq!(comparer.compare(NOW + 60, &slow, &[]), (vec![], vec![]));
    assert_eq!(comparer.compare(NOW + 120, &slow, &[]), (vec![], vec![]));
    assert_eq!(comparer.compare(NOW + 180, &slow, &[]), (vec![], names(&["Slow"])));
}

#[test]
fn an_alert_that_went_and_came_back_was_not_gone() {
    let mut comparer = Comparer::default();
    let slow = [known("Slow", 8000, 8001)];
    comparer.compare(NOW, &slow, &[held("Slow", 8000)]);
    comparer.compare(NOW + 60, &slow, &[]);
    comparer.compare(NOW + 120, &slow, &[held("Slow", 8000)]);
    assert_eq!(comparer.compare(NOW + 180, &slow, &[]), (vec![], vec![]));
}

#[test]
fn an_old_alert_whose_silence_has_just_ended_is_given_time_to_be_told() {
    let mut comparer = Comparer::default();
    let mut slow = held("Slow", 1000);
    slow.status.state = HeldState::Suppressed;
    assert_eq!(comparer.compare(NOW, &[], &[slow.clone()]), (vec![], vec![]), "silenced");
    slow.status.state = HeldState::Active;
    assert_eq!(comparer.compare(NOW + 60, &[], &[slow.clone()]), (vec![], vec![]));
    assert_eq!(comparer.compare(NOW + 180, &[], &[slow]), (names(&["Slow"]), vec![]));
}

#[test]
fn an_alert_that_fired_again_unheard_is_taken_with_its_new_start() {
    let missed = first(&[known("Slow", 8000, 8001)], &[held("Slow", 9000)]);
    assert_eq!(missed, (names(&["Slow"]), vec![]));
}

#[test]
fn the_api_knows_starts_less_exactly_than_the_webhook() {
    let mut slow = known("Slow", 8000, 8001);
    slow.alert.starts_at += TimeDelta::microseconds(678_912);
    let mut told = held("Slow", 8000);
    told.starts_at += TimeDelta::milliseconds(678);
    assert_eq!(first(&[slow], &[told]), (vec![], vec![]));
}

#[test]
fn a_silenced_alert_is_neither_raised_nor_ended() {
    for (silenced_by, inhibited_by) in [(names(&["s"]), vec![]), (vec![], names(&["f"]))] {
        let mut muted = held("Slow", 8000);
        muted.status =
            HeldStatus { state: HeldState::Suppressed, silenced_by, inhibited_by, muted_by: vec![] };
        assert_eq!(first(&[], &[muted.clone()]), (vec![], vec![]));
        assert_eq!(first(&[known("Slow", 8000, 8001)], &[muted]), (vec![], vec![]));
    }
}

#[test]
fn an_alert_for_somebody_else_is_none_of_ours() {
    let mut chat = held("Slow", 8000);
    chat.receivers = vec![Receiver { name: "chat".into() }];
    let ours = Rules { receiver: "opsseer", ..RULES };
    let held = [chat, held("Down", 8000)];
    let missed = Comparer::default().compare_with(NOW, &[], &held, 0, &ours);
    assert_eq!(missed, (names(&["Down"]), vec![]));
    assert_eq!(first(&[], &held).0.len(), 2, "without a receiver, all are");
    // What was taken from a webhook is not over because its route was changed.
    let missed = Comparer::default().compare_with(NOW, &[known("Slow", 8000, 8001)], &held, 0, &ours);
    assert_eq!(missed.1, names(&[]));
}

#[test]
fn an_alertmanager_that_has_just_started_ends_nothing() {
    let mut comparer = Comparer::default();
    let slow = [known("Slow", 8000, 8001)];
    for (second, ended) in [(NOW, 0), (NOW + 299, 0), (NOW + 300, 1)] {
        let missed = comparer.compare_with(second, &slow, &[], NOW, &RULES);
        assert_eq!(missed.1.len(), ended, "at {second}");
    }
}

#[test]
fn an_alertmanager_that_nothing_reaches_ends_nothing_however_long_it_runs() {
    let slow = [known("Slow", 8000, 8001)];
    let mut comparer = Comparer::default();
    // It was started anew long ago, and Prometheus is down: the heartbeat that it once sent is not there.
    assert_eq!(comparer.ended(NOW, &slow, &[], NOW - 60), 0, "it does not hold the heartbeat");
    assert_eq!(comparer.ended(NOW + 3600, &slow, &[], NOW - 60), 0, "it did not send it for an hour either");
    let watchdog = |starts_at| [held("Watchdog", starts_at)];
    assert_eq!(comparer.ended(NOW + 3600, &slow, &watchdog(0), NOW), 0, "it holds it, but does not send it");
    // Prometheus is back: what fires comes again in its own time, the heartbeat first.
    assert_eq!(comparer.ended(NOW + 4000, &slow, &watchdog(NOW + 3990), NOW + 3995), 0);
    assert_eq!(comparer.ended(NOW + 4290, &slow, &watchdog(NOW + 3990), NOW + 4285), 1);
}

#[test]
fn what_was_not_told_when_it_was_last_seen_is_no_lost_webhook_when_it_ends() {
    let cases = [
        (names(&["s"]), vec![], Some(Muted::Silenced)),
        (vec![], names(&["f"]), Some(Muted::Inhibited)),
        (vec![], vec![], None),
    ];
    for (silenced_by, inhibited_by, muted) in cases {
        let slow = [known("Slow", 8000, 8001)];
        let mut differences = Differences::default();
        let mut last = held("Slow", 8000);
        last.status.state = if muted.is_some() { HeldState::Suppressed } else { HeldState::Active };
        (last.status.silenced_by, last.status.inhibited_by) = (silenced_by, inhibited_by);
        for (second, held) in [(NOW, &[last][..]), (NOW + 60, &[]), (NOW + 120, &[])] {
            let seen = Seen { held, started_at: at(0), heartbeat: None };
            assert!(differences.missed(&slow, &seen, &RULES, at(second)).resolved.is_empty());
        }
        let seen = Seen { held: &[], started_at: at(0), heartbeat: None };
        let missed = differences.missed(&slow, &seen, &RULES, at(NOW + 180));
        assert_eq!(missed.resolved.iter().map(|ended| ended.muted).collect::<Vec<_>>(), [muted]);
    }
}

#[test]
fn an_alert_that_a_time_interval_mutes_begins_to_be_missed_when_it_is_told_again() {
    let mut comparer = Comparer::default();
    let slow = held("Slow", 8000);
    assert_eq!(comparer.compare(NOW, &[], std::slice::from_ref(&slow)).0, names(&["Slow"]));
    comparer.0.not_told(&slow);
    assert_eq!(comparer.compare(NOW + 60, &[], std::slice::from_ref(&slow)).0, names(&[]));
    assert_eq!(comparer.compare(NOW + 180, &[], std::slice::from_ref(&slow)).0, names(&["Slow"]));
    let mut muted = slow;
    muted.status.muted_by = names(&["night"]);
    assert_eq!(comparer.compare(NOW + 240, &[], &[muted]).0, names(&[]));
}

#[test]
fn what_alertmanager_holds_in_any_state_is_heard_of() {
    let (slow, down, gone) =
        (known("Slow", 8000, 8001), known("Down", 8000, 8001), known("Gone", 8000, 8001));
    let mut muted = held("Slow", 8000);
    muted.status.state = HeldState::Suppressed;
    let (known, held) = ([slow, down, gone], [muted, held("Down", 8000), held("New", 8000)]);
    let seen = Seen { held: &held, started_at: at(0), heartbeat: None };
    let missed = Differences::default().missed(&known, &seen, &RULES, at(NOW));
    assert_eq!(missed.held, [known[0].id, known[1].id]);
}

#[test]
fn heartbeat_and_canary_are_never_mended() {
    let signals = ["Watchdog", "OpsSeerCanary"];
    let (known, held) = (signals.map(|name| known(name, 8000, 8001)), signals.map(|name| held(name, 8000)));
    assert_eq!(first(&[], &held), (vec![], vec![]));
    assert_eq!(first(&known, &[]), (vec![], vec![]));
}

#[test]
fn what_another_replica_watched_meanwhile_begins_anew_here() {
    let mut comparer = Comparer::default();
    let slow = [known("Slow", 8000, 8001)];
    comparer.compare(NOW, &slow, &[held("Slow", 8000)]);
    comparer.compare(NOW + 60, &slow, &[]);
    comparer.0.forget();
    assert_eq!(comparer.compare(NOW + 600, &slow, &[]), (vec![], vec![]));
}

#[test]
fn what_could_not_be_written_is_missed_again_the_next_time() {
    let mut comparer = Comparer::default();
    let slow = [known("Slow", 8000, 8001)];
    assert_eq!(comparer.compare(NOW, &slow, &[held("Down", 9000)]), (names(&["Down"]), names(&["Slow"])));
    let again = comparer.compare(NOW + 60, &slow, &[held("Down", 9000)]);
    assert_eq!(again, (names(&["Down"]), names(&["Slow"])));
}
