//! The story that the demo tells: ten steps, each with its time, and what is wrong when one is missing.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::pieces::Piece;
use super::profile::Profile;
pub use super::step::Step;

/// A step that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// Which.
    pub step: Step,
    /// When, by the clock of whoever saw it first-hand: not when the demo noticed.
    pub at: DateTime<Utc>,
    /// Seconds since the chaos began.
    pub seconds: f64,
    /// What happened, in a sentence.
    pub detail: String,
    /// Where to see it: an address, or a file and lines.
    pub place: Option<String>,
}

/// A step that did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which.
    pub step: Step,
    /// The likely cause, for the first one; the later ones follow from it.
    pub likely_cause: Option<&'static str>,
    /// Whose log to read.
    #[serde(skip)]
    pub read_log_of: Piece,
}

/// The incident that the story is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TheIncident {
    /// Its name for people.
    pub number: i64,
    /// Its name for ever.
    pub id: String,
    /// The address of its page.
    pub url: String,
}

/// A piece of the stack, as the story's record has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StackRow {
    /// Which piece.
    pub name: &'static str,
    /// Its process.
    pub pid: u32,
    /// Its address.
    pub url: String,
    /// Its log file.
    pub log: String,
}

/// Something to print.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A step happened.
    Told(Told),
    /// Something happened that is no step of the story.
    Also {
        /// When.
        at: DateTime<Utc>,
        /// Seconds since the chaos began; negative before.
        seconds: Option<f64>,
        /// What.
        text: String,
    },
}

/// What has happened so far.
#[derive(Debug)]
pub struct Story {
    profile: Profile,
    scenario: String,
    started_at: DateTime<Utc>,
    stack: Vec<StackRow>,
    incident: Option<TheIncident>,
    told: Vec<Told>,
    problems: Vec<String>,
    news: Vec<News>,
}

impl Story {
    /// A story that is about to begin.
    pub fn new(profile: Profile, scenario: String, started_at: DateTime<Utc>, stack: Vec<StackRow>) -> Self {
        let (told, problems, news) = (Vec::new(), Vec::new(), Vec::new());
        Self { profile, scenario, started_at, stack, incident: None, told, problems, news }
    }

    /// The rules' windows and waits.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Adds a step. The first telling counts.
    pub fn tell(&mut self, step: Step, at: DateTime<Utc>, detail: impl Into<String>, place: Option<String>) {
        if self.has(step) {
            return;
        }
        let began = self.at(Step::ChaosBegan).unwrap_or(at);
        let told = Told { step, at, seconds: seconds_between(began, at), detail: detail.into(), place };
        self.news.push(News::Told(told.clone()));
        self.told.push(told);
    }

    /// Takes a step back that turned out not to belong to this story.
    pub fn take_back(&mut self, step: Step) {
        self.told.retain(|told| told.step != step);
    }

    /// Adds something that is no step.
    pub fn also(&mut self, at: DateTime<Utc>, text: impl Into<String>) {
        let seconds = self.at(Step::ChaosBegan).map(|began| seconds_between(began, at));
        self.news.push(News::Also { at, seconds, text: text.into() });
    }

    /// Adds something that must not happen: the story is not in order then.
    pub fn problem(&mut self, at: DateTime<Utc>, text: String) {
        if !self.problems.contains(&text) {
            self.also(at, text.clone());
            self.problems.push(text);
        }
    }

    /// Says which incident this is about.
    pub fn set_incident(&mut self, incident: TheIncident) {
        self.incident = Some(incident);
    }

    /// The incident that this is about, once it is open.
    pub fn incident(&self) -> Option<&TheIncident> {
        self.incident.as_ref()
    }

    /// Whether a step has happened.
    pub fn has(&self, step: Step) -> bool {
        self.told.iter().any(|told| told.step == step)
    }

    /// When a step happened.
    pub fn at(&self, step: Step) -> Option<DateTime<Utc>> {
        self.told.iter().find(|told| told.step == step).map(|told| told.at)
    }

    /// The first step that has not happened yet.
    pub fn waits_for(&self) -> Option<Step> {
        Step::ALL.into_iter().find(|step| !self.has(*step))
    }

    /// Whether the incident page has all that it should.
    pub fn page_is_complete(&self) -> bool {
        Step::ALL.iter().filter(|step| **step < Step::ChaosOff).all(|step| self.has(*step))
    }

    /// What there is to print since the last time.
    pub fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// The steps that did not happen.
    pub fn missing(&self) -> Vec<Missing> {
        let mut missing: Vec<Missing> = Vec::new();
        for step in Step::ALL.into_iter().filter(|step| !self.has(*step)) {
            let (cause, read_log_of) = step.likely_cause();
            missing.push(Missing { step, likely_cause: missing.is_empty().then_some(cause), read_log_of });
        }
        missing
    }

    /// What happened that must not: a step before its time, a second incident.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.problems.clone();
        let mut in_order: Vec<&Told> = self.told.iter().collect();
        in_order.sort_by_key(|told| told.step);
        for (i, earlier) in in_order.iter().enumerate() {
            for later in &in_order[i + 1..] {
                if earlier.step.rank() < later.step.rank() && earlier.at > later.at {
                    problems.push(format!(
                        "{} ({:.1} s) came before {} ({:.1} s)",
                        later.step.name(),
                        later.seconds,
                        earlier.step.name(),
                        earlier.seconds
                    ));
                }
            }
        }
        problems
    }

    /// Whether every step happened, in order, to one incident.
    pub fn is_well(&self) -> bool {
        self.missing().is_empty() && self.problems().is_empty()
    }

    /// The story for other programs. `ok` is [`Story::is_well`].
    pub fn to_json(&self) -> serde_json::Value {
        let mut steps = self.told.clone();
        steps.sort_by_key(|told| told.step);
        serde_json::json!({
            "profile": self.profile,
            "scenario": self.scenario,
            "started_at": self.started_at,
            "incident": self.incident,
            "steps": steps,
            "ok": self.is_well(),
            "missing": self.missing(),
            "problems": self.problems(),
            "stack": self.stack,
        })
    }
}

/// Seconds, to the millisecond.
fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    let millis = (to - from).num_milliseconds();
    #[expect(clippy::cast_precision_loss, reason = "a story is not 285,000 years long")]
    let seconds = millis as f64 / 1000.0;
    seconds
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn start() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    /// A story in which each step happens at the given tenth of a second.
    fn story(steps: &[(Step, i64)]) -> Story {
        let mut story = Story::new(Profile::Fast, "burst".to_owned(), start(), vec![]);
        for (step, tenths) in steps {
            story.tell(*step, start() + TimeDelta::milliseconds(tenths * 100), "it happened", None);
        }
        story
    }

    fn whole() -> Vec<(Step, i64)> {
        Step::ALL.into_iter().zip([5, 30, 90, 110, 110, 112, 115, 120, 300, 320]).collect()
    }

    #[test]
    fn a_whole_story_is_well_and_counts_from_the_chaos() {
        let mut story = story(&whole());
        assert!(story.is_well() && story.page_is_complete() && story.waits_for().is_none());
        let json = story.to_json();
        assert_eq!((&json["ok"], &json["missing"]), (&true.into(), &serde_json::json!([])));
        assert_eq!(json["steps"][2]["step"], "alert firing");
        assert_eq!(json["steps"][2]["seconds"], 8.5);
        assert_eq!(story.take_news().len(), 10);
        assert!(story.take_news().is_empty(), "news are told once");
    }

    #[test]
    fn the_picture_may_come_before_the_runbook_but_not_after_the_chaos() {
        let mut steps = whole();
        (steps[5].1, steps[6].1) = (steps[6].1, steps[5].1);
        assert!(story(&steps).is_well());
        steps[6].1 = 130;
        assert_eq!(story(&steps).problems(), ["chaos off (11.5 s) came before picture (12.5 s)"]);
    }

    #[test]
    fn the_first_missing_step_comes_with_a_likely_cause() {
        let steps: Vec<_> = whole().into_iter().filter(|(step, _)| *step < Step::WebhookReceived).collect();
        let story = story(&steps);
        assert_eq!(story.waits_for(), Some(Step::WebhookReceived));
        let missing = story.missing();
        assert_eq!(missing.len(), 7);
        assert!(missing[0].likely_cause.is_some_and(|cause| cause.contains("Alertmanager")));
        assert_eq!((missing[0].read_log_of, missing[1].likely_cause), (Piece::Alertmanager, None));
        assert_eq!(story.to_json()["missing"][0]["step"], "webhook received");
        assert!(!story.is_well());
    }

    #[test]
    fn a_second_incident_spoils_the_story() {
        let mut story = story(&whole());
        story.problem(start(), "a second incident".to_owned());
        story.problem(start(), "a second incident".to_owned());
        assert_eq!(story.problems(), ["a second incident"]);
        assert_eq!(story.to_json()["ok"], false);
    }

    #[test]
    fn a_step_is_told_once_unless_taken_back() {
        let mut story = story(&[(Step::ChaosBegan, 0), (Step::AlertPending, 10), (Step::AlertPending, 20)]);
        assert_eq!(story.at(Step::AlertPending), Some(start() + TimeDelta::seconds(1)));
        story.take_back(Step::AlertPending);
        assert!(!story.has(Step::AlertPending));
    }
}
