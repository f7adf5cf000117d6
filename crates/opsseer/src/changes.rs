//! What was changed: what OpsSeer is told (`told.rs`), what the metrics show (`metrics.rs`), and which of it belongs on an
//! incident's timeline.

pub(crate) mod marks;
pub(crate) mod metrics;
pub mod told;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::{Actor, ChangeSeen, ChangeType, EventKind, Incident, IncidentId, NewEvent};
use opsseer_store::{ChangeFilter, Store, StoreError, Tx};

use crate::app::App;

/// The name of the source of what the metrics show. Nobody else may tell under it.
pub(crate) const PROMETHEUS: &str = "prometheus";

/// Changes that one look puts on a timeline, the newest: more explain nothing.
pub(crate) const MOST: usize = 10;

/// Changes that are counted beyond that.
const COUNTED: u32 = 200;

/// However long an alert has fired, a look goes back no further than this.
const FURTHEST: TimeDelta = TimeDelta::hours(24);

/// One change has two sources, if both tell of the same kind within this time.
const SAME_CHANGE: TimeDelta = TimeDelta::minutes(10);

/// What the metrics show has its time from the distance between two of their values: asked again, it may differ by this.
const BLUR: TimeDelta = TimeDelta::minutes(3);

/// A change and when it was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// What.
    pub(crate) seen: ChangeSeen,
}

impl Change {
    /// One that the metrics show.
    fn in_metrics(at: DateTime<Utc>, change: ChangeType, service: &str, title: String) -> Self {
        let (service, source) = (Some(service.to_owned()), PROMETHEUS.to_owned());
        Self { at, seen: ChangeSeen { change, title, service, version: None, link: None, source } }
    }

    /// Its event, by the part of OpsSeer that found it.
    pub(crate) fn event(self, by: &str) -> NewEvent {
        let actor = Actor::Component { name: by.to_owned() };
        NewEvent::new(self.at, actor, EventKind::ChangeSeen(self.seen))
    }

    /// Whether this, which the metrics show, is what somebody told of.
    fn is_told_by(&self, told: &Self) -> bool {
        let versions = (&self.seen.version, &told.seen.version);
        let differ = matches!(versions, (Some(own), Some(other)) if own != other);
        self.seen.change == told.seen.change && !differ && (self.at - told.at).abs() <= SAME_CHANGE
    }
}

/// Which time a look at an incident's start covers: from `look_back` before it until now.
pub(crate) fn span(
    start: DateTime<Utc>,
    now: DateTime<Utc>,
    look_back: TimeDelta,
) -> (DateTime<Utc>, DateTime<Utc>) {
    let before = start.min(now).checked_sub_signed(look_back).unwrap_or(now - FURTHEST);
    (before.max(now - FURTHEST), now)
}

/// How far a look goes back before an incident's start.
pub(crate) fn look_back(app: &App) -> TimeDelta {
    TimeDelta::from_std(app.config.changes.look_back).unwrap_or(FURTHEST).min(FURTHEST)
}

/// What OpsSeer was told of a service, and of none, the latest first, at most 200.
pub(crate) async fn told_of(
    store: &Store,
    service: Option<&str>,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Change>, StoreError> {
    let filter = ChangeFilter {
        service: service.map(str::to_owned),
        or_unnamed: true,
        from: Some(from),
        to: Some(to),
        limit: COUNTED,
        cursor: None,
    };
    let page = store.list_changes(&filter).await?;
    Ok(page.changes.into_iter().map(|stored| Change { at: stored.at, seen: stored.seen }).collect())
}

/// What was told and what the metrics show, the latest first, each change once.
pub(crate) fn together(told: Vec<Change>, shown: Vec<Change>) -> Vec<Change> {
    let new = |change: &Change| !told.iter().any(|told| change.is_told_by(told));
    let mut all: Vec<Change> = shown.into_iter().filter(new).collect();
    all.extend(told);
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.seen.title.cmp(&b.seen.title)));
    all
}

/// Of the events, those that tell of no change which stands on the timeline already. Each change is told once an incident.
pub(crate) async fn news(
    tx: &mut Tx,
    incident: IncidentId,
    events: Vec<NewEvent>,
) -> Result<Vec<NewEvent>, StoreError> {
    let before = tx.list_events_of_kind(incident, "change_seen").await?;
    let known: Vec<Change> = before.into_iter().filter_map(|event| change_of(event.at, event.kind)).collect();
    let is_news = |event: &NewEvent| match &event.kind {
        EventKind::ChangeSeen(seen) => !known.iter().any(|known| is_same(known, event.at, seen)),
        _ => true,
    };
    Ok(events.into_iter().filter(is_news).collect())
}

/// The newest changes on an incident's timeline, at most `limit`, the last told first.
pub(crate) async fn on_timeline(
    store: &Store,
    incident: IncidentId,
    limit: u32,
) -> Result<Vec<Change>, StoreError> {
    let events = store.list_newest_events(incident, "change_seen", limit).await?;
    Ok(events.into_iter().filter_map(|event| change_of(event.at, event.kind)).collect())
}

/// Whether a change may have to do with an incident: of its service, or of none in particular; made no longer before its
/// start than a look would find it.
fn concerns(incident: &Incident, change: &Change, look_back: TimeDelta) -> bool {
    let service = change.seen.service.as_ref();
    let earliest = incident.opened_at.checked_sub_signed(look_back);
    service.is_none_or(|service| incident.service.as_ref() == Some(service))
        && earliest.is_none_or(|earliest| change.at >= earliest)
}

fn change_of(at: DateTime<Utc>, kind: EventKind) -> Option<Change> {
    match kind {
        EventKind::ChangeSeen(seen) => Some(Change { at, seen }),
        _ => None,
    }
}

fn is_same(known: &Change, at: DateTime<Utc>, seen: &ChangeSeen) -> bool {
    if seen.source != PROMETHEUS {
        return known.at == at && known.seen == *seen;
    }
    // How many instances have begun, which the title may say, grows while one looks.
    let of =
        |seen: &ChangeSeen| (seen.change, seen.source.clone(), seen.service.clone(), seen.version.clone());
    of(&known.seen) == of(seen) && (known.at - at).abs() <= BLUR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).expect("a time")
    }

    fn change(minute: i64, change: ChangeType, version: Option<&str>, source: &str) -> Change {
        let mut made = Change::in_metrics(at(minute), change, "db", format!("{change:?} of {source}"));
        made.seen.version = version.map(str::to_owned);
        source.clone_into(&mut made.seen.source);
        made
    }

    #[test]
    fn a_look_goes_back_before_the_start_and_not_for_days() {
        let hours = TimeDelta::hours;
        assert_eq!(span(at(-30), at(0), hours(3)), (at(-210), at(0)));
        assert_eq!(span(at(5), at(0), hours(3)), (at(-180), at(0)), "a sender's clock is ahead");
        assert_eq!(span(at(-100_000), at(0), hours(3)), (at(-24 * 60), at(0)));
    }

    #[test]
    fn a_deployment_that_was_told_is_not_told_again_when_the_metrics_show_it() {
        let told = change(0, ChangeType::Deploy, Some("1.42"), "ci");
        let shown = change(4, ChangeType::Deploy, Some("1.42"), PROMETHEUS);
        let other = change(5, ChangeType::Deploy, Some("1.43"), PROMETHEUS);
        let later = change(30, ChangeType::Deploy, Some("1.42"), PROMETHEUS);
        let restart = change(1, ChangeType::Restart, None, PROMETHEUS);
        let all = together(vec![told.clone()], vec![shown, other.clone(), later.clone(), restart.clone()]);
        assert_eq!(all, [later, other, restart, told], "the latest first");
    }

    #[test]
    fn what_the_metrics_show_is_the_same_although_its_time_and_title_move_a_little() {
        let restart = |minute, title: &str| {
            let mut made = change(minute, ChangeType::Restart, None, PROMETHEUS);
            title.clone_into(&mut made.seen.title);
            made
        };
        let (known, again) = (restart(0, "1 instance"), restart(1, "2 instances"));
        assert!(is_same(&known, again.at, &again.seen));
        let later = restart(10, "1 instance");
        assert!(!is_same(&known, later.at, &later.seen), "it began anew again");
        let told = change(0, ChangeType::Flag, None, "ci");
        assert!(is_same(&told, told.at, &told.seen));
        assert!(!is_same(&told, at(1), &told.seen), "it was done twice");
    }
}
