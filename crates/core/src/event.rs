mod answers;
mod containers;
mod numbers;
mod stored;

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Alert, AlertSource, Fingerprint, IncidentId, IncidentNumber, Labels, Severity};

pub use answers::{Classified, NearPlace, RunbookAnswered, SimilarIncident};
pub use containers::{ContainerCurve, ContainersSeen};
pub use numbers::{
    BudgetSeen, BurnRate, ChangeSeen, ChangeType, ChangesLooked, Forecast, Outlook, SuspectMetric,
    SuspectService, SuspectsRanked,
};
pub use stored::UnknownEvent;

/// The place of an event in a store's one sequence. A larger id was committed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub i64);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Who or what caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Actor {
    /// A human being, by the name that they gave.
    Person {
        /// The name.
        name: String,
    },
    /// Alertmanager, by webhook.
    Alertmanager,
    /// Grafana alerting, by webhook.
    Grafana,
    /// OpsSeer itself, about the alerting pipeline.
    #[serde(rename = "opsseer")]
    OpsSeer,
    /// A part of OpsSeer.
    Component {
        /// Which: `correlation`, or the kind of the job that worked.
        name: String,
    },
}

impl Actor {
    /// The part of OpsSeer that decides what belongs together.
    pub fn correlation() -> Self {
        Self::Component { name: "correlation".to_owned() }
    }
}

impl From<AlertSource> for Actor {
    fn from(source: AlertSource) -> Self {
        match source {
            AlertSource::Alertmanager => Self::Alertmanager,
            AlertSource::Grafana => Self::Grafana,
            AlertSource::OpsSeer => Self::OpsSeer,
        }
    }
}

/// A file kept with an event, named by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetRef {
    /// SHA-256 of the content, 64 hexadecimal digits. The file is served at `/assets/{sha256}`.
    pub sha256: String,
    /// Its media type, such as `image/svg+xml`.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What is in it, for someone who cannot see it.
    pub alt: String,
}

/// Something that happened to an incident, before a store has given it an id.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who or what caused it.
    pub actor: Actor,
    /// What happened.
    pub kind: EventKind,
    /// Files that belong to it.
    pub assets: Vec<AssetRef>,
}

impl NewEvent {
    /// An event without files.
    pub fn new(at: DateTime<Utc>, actor: Actor, kind: EventKind) -> Self {
        Self { at, actor, kind, assets: Vec::new() }
    }
}

/// Something that happened to an incident. Never changed once written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the store's sequence.
    pub id: EventId,
    /// Whose timeline it is on.
    pub incident: IncidentId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
    /// Who or what caused it.
    pub actor: Actor,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// Files that belong to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<AssetRef>,
}

/// What an alert looked like when it changed an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertSnapshot {
    /// The sender's name for it.
    pub fingerprint: Fingerprint,
    /// The rule's name.
    pub name: String,
    /// What is wrong, in the sender's words.
    pub summary: Option<String>,
    /// How urgent its sender calls it.
    pub severity: Severity,
    /// What it is about.
    pub labels: Labels,
    /// What it says.
    pub annotations: Labels,
    /// When its condition began.
    pub starts_at: DateTime<Utc>,
    /// Where the sender shows the rule or the query.
    pub generator_url: Option<String>,
}

impl From<&Alert> for AlertSnapshot {
    fn from(alert: &Alert) -> Self {
        Self {
            fingerprint: alert.fingerprint.clone(),
            name: alert.name().to_owned(),
            summary: alert.summary().map(str::to_owned),
            severity: alert.severity(),
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            starts_at: alert.starts_at,
            generator_url: alert.generator_url.clone(),
        }
    }
}

/// A limit that a value is compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// `>`, `>=`, `<`, `<=`, `==` or `!=`: the comparison that makes the alert fire.
    pub comparison: String,
    /// The limit, in the metric's own unit.
    pub value: f64,
}

/// A silence of Alertmanager's that was not ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveSilence {
    /// Alertmanager's name for it.
    pub id: String,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// A picture of a metric around the incident. The picture itself is the event's asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Charted {
    /// What the picture shows, in a sentence.
    pub sentence: String,
    /// The PromQL that was asked.
    pub expr: String,
    /// Start of the range asked.
    pub from: DateTime<Utc>,
    /// End of the range asked.
    pub to: DateTime<Utc>,
    /// Distance between points, in seconds.
    pub step_seconds: u32,
    /// How many series the answer held.
    pub series: usize,
    /// The limit drawn, if the alert has one.
    pub threshold: Option<Threshold>,
}

/// What happened. The JSON form has a field `kind`; [`EventKind::VERSION`] is stored beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The incident began.
    Opened {
        /// The headline.
        title: String,
        /// How urgent it is.
        severity: Severity,
        /// The service it is about, if known.
        service: Option<String>,
        /// Alerts with the same key belong to it.
        correlation_key: String,
        /// Why a new incident, in words.
        reason: String,
    },
    /// An alert of this incident fires.
    AlertFired {
        /// The alert as it came.
        alert: AlertSnapshot,
        /// Whether this incident sees it for the first time.
        first: bool,
        /// Why it belongs to this incident, in words.
        reason: String,
    },
    /// An alert of this incident no longer fires.
    AlertResolved {
        /// The alert as it came.
        alert: AlertSnapshot,
        /// Why it counts as over, in words, where its sender did not say so itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An alert of this incident fired anew and belongs to another incident now.
    AlertMoved {
        /// The alert as it came.
        alert: AlertSnapshot,
    },
    /// A person took notice.
    Acknowledged,
    /// Somebody owns the incident now, or nobody.
    Assigned {
        /// Who.
        owner: Option<String>,
    },
    /// A person changed how urgent it is.
    SeveritySet {
        /// The new severity.
        severity: Severity,
    },
    /// A more urgent alert joined: the incident is as urgent as that from now on, and is named after it.
    Escalated {
        /// How urgent it was.
        from: Severity,
        /// How urgent it is.
        to: Severity,
        /// The new headline.
        title: String,
        /// Why, in words.
        reason: String,
    },
    /// It came back so often that its next end is held back until it has been quiet for a while.
    FlappingHeld {
        /// How often it came back by now.
        flaps: i64,
        /// For how long it must be quiet before it counts as over, in seconds.
        quiet_seconds: i64,
        /// Why, in words.
        reason: String,
    },
    /// Another incident's alerts belong to this one from now on.
    Merged {
        /// The other incident.
        from: IncidentId,
        /// The other incident's number.
        number: IncidentNumber,
        /// The other incident's headline.
        title: String,
        /// Alerts with this key join this incident from now on.
        correlation_key: String,
        /// How many of the alerts that came along fire.
        alerts_firing: i64,
        /// How many alerts came along that it had not had before.
        alerts_total: i64,
        /// How urgent the other incident was.
        severity: Severity,
        /// The silences of Alertmanager's that cover the alerts which came along.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        silences: Vec<LiveSilence>,
        /// Why, in words.
        reason: String,
    },
    /// This incident's alerts belong to another one from now on. It is over.
    MergedInto {
        /// The other incident.
        into: IncidentId,
        /// The other incident's number.
        number: IncidentNumber,
        /// Whether it went on until then.
        #[serde(default = "yes")]
        was_open: bool,
        /// Why, in words.
        reason: String,
    },
    /// A merge was undone: the other incident has its alerts again.
    Unmerged {
        /// The other incident.
        from: IncidentId,
        /// The other incident's number.
        number: IncidentNumber,
        /// How many of the alerts that went back fire.
        alerts_firing: i64,
        /// How many alerts went back.
        alerts_total: i64,
        /// The silences of Alertmanager's that went back with them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        silences: Vec<LiveSilence>,
        /// Why, in words.
        reason: String,
    },
    /// A merge was undone: this incident has its alerts again, as they are now.
    Restored {
        /// The incident that it was merged into.
        from: IncidentId,
        /// That incident's number.
        number: IncidentNumber,
        /// How many of its alerts fire.
        alerts_firing: i64,
        /// How many alerts it has.
        alerts_total: i64,
        /// Whether it goes on, if any fires: what had been resolved before the merge stays so.
        #[serde(default = "yes")]
        goes_on: bool,
        /// Why, in words.
        reason: String,
    },
    /// Some alerts were taken out, into an incident of their own.
    Split {
        /// The new incident.
        into: IncidentId,
        /// The new incident's number.
        number: IncidentNumber,
        /// Names of the alerts that went, each once.
        alerts: Vec<String>,
        /// How many of the alerts that went fire.
        alerts_firing: i64,
        /// How many alerts went.
        alerts_total: i64,
        /// Why, in words.
        reason: String,
    },
    /// Alertmanager sends nothing about these alerts for a while.
    Silenced {
        /// Alertmanager's name for the silence.
        silence_id: String,
        /// When it ends.
        until: DateTime<Utc>,
        /// Which alerts, such as `alertname="Slow", service="db"`.
        matchers: String,
        /// Why, in words.
        comment: String,
    },
    /// A silence was ended before its time.
    SilenceEnded {
        /// Alertmanager's name for the silence.
        silence_id: String,
    },
    /// Somebody is on it: nobody needs to be told about this incident until then.
    Muted {
        /// When the mute ends.
        until: DateTime<Utc>,
    },
    /// The mute was ended before its time.
    Unmuted,
    /// A person wrote something down.
    Note {
        /// What they wrote. Plain text.
        text: String,
    },
    /// A runbook says what to do.
    RunbookAnswered(RunbookAnswered),
    /// No runbook fits.
    RunbookMissing {
        /// Which alert was asked about.
        alert: String,
        /// How many documents were looked through.
        documents: usize,
        /// What comes nearest, best first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nearest: Vec<NearPlace>,
    },
    /// A person asked the runbooks something about this incident.
    Asked {
        /// What they asked. Plain text.
        question: String,
        /// What the runbooks say to it. Nothing, if no place is probable enough.
        answer: Option<RunbookAnswered>,
        /// What comes nearest, best first, where there is no answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nearest: Vec<NearPlace>,
    },
    /// What kind of trouble an alert is about.
    Classified(Classified),
    /// A person said what kind of trouble an alert is about.
    ClassCorrected {
        /// The alert.
        alert: String,
        /// The right category.
        category: String,
        /// How urgent such alerts are, if they said so: `critical`, `warning` or `info`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<String>,
        /// What had been said before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        was: Option<String>,
    },
    /// Earlier incidents were looked through for ones that are like this one.
    SimilarFound {
        /// The most similar first. None, if nothing is like it.
        incidents: Vec<SimilarIncident>,
        /// How many were looked through.
        looked_through: usize,
    },
    /// A metric was drawn.
    Charted(Charted),
    /// Where a value is heading, and when it passes its limit. Its picture and the picture's numbers are its assets.
    Forecast(Forecast),
    /// Which services and metrics moved when it began.
    SuspectsRanked(SuspectsRanked),
    /// Something was changed before or during the incident.
    ChangeSeen(ChangeSeen),
    /// Changes were looked for.
    ChangesLooked(ChangesLooked),
    /// What is left of the failures that an objective allows.
    BudgetSeen(BudgetSeen),
    /// How the containers of its service did around its start.
    ContainersSeen(ContainersSeen),
    /// A piece of OpsSeer's own work did not succeed.
    StepFailed {
        /// Which: the job's kind.
        step: String,
        /// What went wrong, in words.
        error: String,
        /// When it is tried again; never, if absent.
        retry_at: Option<DateTime<Utc>>,
    },
    /// The incident is over.
    Resolved {
        /// Why, in words.
        reason: String,
    },
    /// The incident is not over after all.
    Reopened {
        /// Why, in words.
        reason: String,
        /// How often it has come back by itself of late, this time included. None if a person reopened it.
        #[serde(default)]
        flaps: i64,
    },
}

/// What events say that were written before there was a field for it.
fn yes() -> bool {
    true
}

impl EventKind {
    /// The version of the stored JSON. Raised when a stored form changes; [`EventKind::from_stored`] then still reads
    /// the older ones.
    pub const VERSION: i32 = 1;

    /// The value of the JSON form's `kind`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::AlertFired { .. } => "alert_fired",
            Self::AlertResolved { .. } => "alert_resolved",
            Self::AlertMoved { .. } => "alert_moved",
            Self::Acknowledged => "acknowledged",
            Self::Assigned { .. } => "assigned",
            Self::SeveritySet { .. } => "severity_set",
            Self::Escalated { .. } => "escalated",
            Self::FlappingHeld { .. } => "flapping_held",
            Self::Merged { .. } => "merged",
            Self::MergedInto { .. } => "merged_into",
            Self::Unmerged { .. } => "unmerged",
            Self::Restored { .. } => "restored",
            Self::Split { .. } => "split",
            Self::Silenced { .. } => "silenced",
            Self::SilenceEnded { .. } => "silence_ended",
            Self::Muted { .. } => "muted",
            Self::Unmuted => "unmuted",
            Self::Note { .. } => "note",
            Self::RunbookAnswered(_) => "runbook_answered",
            Self::RunbookMissing { .. } => "runbook_missing",
            Self::Asked { .. } => "asked",
            Self::Classified(_) => "classified",
            Self::ClassCorrected { .. } => "class_corrected",
            Self::SimilarFound { .. } => "similar_found",
            Self::Charted(_) => "charted",
            Self::Forecast(_) => "forecast",
            Self::SuspectsRanked(_) => "suspects_ranked",
            Self::ChangeSeen(_) => "change_seen",
            Self::ChangesLooked(_) => "changes_looked",
            Self::BudgetSeen(_) => "budget_seen",
            Self::ContainersSeen(_) => "containers_seen",
            Self::StepFailed { .. } => "step_failed",
            Self::Resolved { .. } => "resolved",
            Self::Reopened { .. } => "reopened",
        }
    }
}
