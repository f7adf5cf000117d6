use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Identity, KnownAlert, Severity};

/// Label or annotation names and values, in the names' order.
pub type Labels = BTreeMap<String, String>;

/// Labels that name the service an alert is about, the most telling first. `job` is none of them: it names the scrape,
/// and all hosts that are scraped alike share it.
const SERVICE_LABELS: [&str; 9] = [
    "service",
    "svc",
    "service_name",
    "app",
    "app_kubernetes_io_name",
    "application",
    "deployment",
    "pipeline_name",
    "component",
];

/// Annotations that say what is wrong, the shortest kind first.
const SUMMARY_ANNOTATIONS: [&str; 4] = ["summary", "title", "message", "description"];

/// Annotations that hold the address of a runbook.
const RUNBOOK_ANNOTATIONS: [&str; 3] = ["runbook_url", "runbook", "runbookUrl"];

/// Who sent an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertSource {
    /// Prometheus Alertmanager's webhook.
    Alertmanager,
    /// Grafana's unified alerting webhook.
    Grafana,
    /// OpsSeer itself, about the alerting pipeline.
    #[serde(rename = "opsseer")]
    OpsSeer,
}

impl AlertSource {
    /// All senders.
    pub const ALL: [Self; 3] = [Self::Alertmanager, Self::Grafana, Self::OpsSeer];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Grafana => "grafana",
            Self::OpsSeer => "opsseer",
        }
    }
}

/// Whether an alert's condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// The condition holds.
    Firing,
    /// The condition no longer holds.
    Resolved,
}

impl AlertStatus {
    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert of one notification, in the form in which the rest of OpsSeer sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// The sender's name for it.
    pub fingerprint: Fingerprint,
    /// What its labels hash to, taken before any value was cut.
    pub identity: Identity,
    /// Who sent it.
    pub source: AlertSource,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// What it is about. Includes `alertname` where the sender has one.
    pub labels: Labels,
    /// What it says.
    pub annotations: Labels,
    /// When the condition began; the time of receipt where the sender did not say.
    pub starts_at: DateTime<Utc>,
    /// Whether the sender did not say when it began.
    pub start_is_guessed: bool,
    /// When it ended, if it has.
    pub ends_at: Option<DateTime<Utc>>,
    /// Where the sender shows the rule or the query.
    pub generator_url: Option<String>,
    /// The sender's group, if it groups.
    pub group_key: Option<String>,
    /// Why OpsSeer believes it, in words, where its sender did not say so itself.
    pub note: Option<String>,
}

impl Alert {
    /// An alert whose sender did not say when it began, and that is known to fire, began when that firing did: otherwise
    /// each repeat would look like a new firing.
    #[must_use]
    pub fn with_known_start(mut self, known: Option<&KnownAlert>) -> Self {
        if let Some(known) =
            known.filter(|known| self.start_is_guessed && known.status == AlertStatus::Firing)
        {
            self.starts_at = known.starts_at;
        }
        self
    }

    /// The rule's name, or the best that the alert has in its place.
    pub fn name(&self) -> &str {
        ["alertname", "rulename", "alert_name"]
            .iter()
            .find_map(|label| non_empty(&self.labels, label))
            .or_else(|| self.summary())
            .unwrap_or("alert without a name")
    }

    /// The service it is about, if a label says so.
    pub fn service(&self) -> Option<&str> {
        SERVICE_LABELS.iter().find_map(|label| non_empty(&self.labels, label))
    }

    /// The service, or the scrape job in its place: for headlines, not to tell what belongs together.
    pub fn subject(&self) -> Option<&str> {
        self.service().or_else(|| non_empty(&self.labels, "job"))
    }

    /// How urgent its sender calls it.
    pub fn severity(&self) -> Severity {
        Severity::from_label(
            self.labels.get("severity").or_else(|| self.labels.get("priority")).map(String::as_str),
        )
    }

    /// What is wrong, in the sender's words.
    pub fn summary(&self) -> Option<&str> {
        SUMMARY_ANNOTATIONS.iter().find_map(|annotation| non_empty(&self.annotations, annotation))
    }

    /// The address of its runbook.
    pub fn runbook_url(&self) -> Option<&str> {
        RUNBOOK_ANNOTATIONS.iter().find_map(|annotation| non_empty(&self.annotations, annotation))
    }

    /// A line for a person: the service, then what is wrong.
    pub fn title(&self) -> String {
        let what = self.summary().map_or_else(|| words_of_name(self.name()), first_line);
        match self.subject() {
            Some(service) if !contains_word(&what, service) => format!("{service}: {what}"),
            _ => what,
        }
    }
}

/// The first line, at most 160 characters, cut between words and marked.
fn first_line(text: &str) -> String {
    const LONGEST: usize = 160;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST).collect();
    let end = cut.rfind(' ').unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

/// `ToyProdHighErrorRate` as `Toy prod high error rate`.
fn words_of_name(name: &str) -> String {
    if name.contains(char::is_whitespace) {
        return first_line(name);
    }
    let letters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let after_lower = i > 0 && letters[i - 1].is_lowercase();
        let starts_word =
            i > 0 && letter.is_uppercase() && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if *letter == '_' || *letter == '-' {
            words.push(' ');
        } else if letter.is_uppercase() && (after_lower || starts_word) {
            words.push(' ');
            if starts_word {
                words.extend(letter.to_lowercase());
            } else {
                words.push(*letter);
            }
        } else {
            words.push(*letter);
        }
    }
    first_line(&words)
}

fn contains_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    text.match_indices(&word).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn non_empty<'a>(map: &'a Labels, key: &str) -> Option<&'a str> {
    map.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Alert {
        let map = |pairs: &[(&str, &str)]| -> Labels {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let labels = map(labels);
        let identity = Identity::of(&labels);
        Alert {
            fingerprint: Fingerprint::given_or_computed(None, &identity),
            identity,
            source: AlertSource::Alertmanager,
            status: AlertStatus::Firing,
            labels,
            annotations: map(annotations),
            starts_at: DateTime::UNIX_EPOCH,
            start_is_guessed: false,
            ends_at: None,
            generator_url: None,
            group_key: None,
            note: None,
        }
    }

    #[test]
    fn the_title_names_the_service_once() {
        let with = alert(&[("service", "toyprod")], &[("summary", "error rate above 10 %")]);
        assert_eq!(with.title(), "toyprod: error rate above 10 %");
        let named = alert(&[("service", "toyprod")], &[("summary", "Toyprod is down")]);
        assert_eq!(named.title(), "Toyprod is down");
        let part_of_a_word = alert(&[("service", "db")], &[("summary", "dbus is slow")]);
        assert_eq!(part_of_a_word.title(), "db: dbus is slow");
    }

    #[test]
    fn without_a_summary_the_rules_name_becomes_words() {
        assert_eq!(alert(&[("alertname", "ToyProdHighErrorRate")], &[]).title(), "Toy prod high error rate");
        assert_eq!(alert(&[("alertname", "HTTPErrorsHigh")], &[]).title(), "HTTP errors high");
        assert_eq!(alert(&[("alertname", "disk_full")], &[]).title(), "disk full");
        assert_eq!(alert(&[], &[]).title(), "alert without a name");
    }

    #[test]
    fn a_long_or_many_lined_summary_is_cut_between_words() {
        let title = alert(&[], &[("summary", &"word ".repeat(100))]).title();
        assert!(title.ends_with("word…") && title.chars().count() <= 161, "{title}");
        assert_eq!(alert(&[], &[("summary", "\n first\nsecond")]).title(), "first");
    }

    #[test]
    fn a_blank_service_label_is_no_service() {
        assert_eq!(alert(&[("service", " "), ("app", "api")], &[]).service(), Some("api"));
        let scraped = alert(&[("alertname", "NodeDown"), ("job", "fleet")], &[]);
        assert_eq!((scraped.service(), scraped.title().as_str()), (None, "fleet: Node down"));
        assert_eq!(alert(&[("alertname", "A")], &[]).service(), None);
    }
}
