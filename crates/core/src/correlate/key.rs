use crate::{Alert, Incident};

/// Alerts with the same key belong to the same incident while it is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CorrelationKey {
    /// The key, such as `service:toyprod`.
    pub key: String,
    /// What alerts with this key have in common, to complete "it has … as this incident".
    pub shared: String,
}

/// Labels that tell two services of the same name apart.
const PLACE_LABELS: [&str; 5] = ["cluster", "environment", "env", "namespace", "region"];

/// How keys of incidents begin that take in alerts of many services.
const STORM: &str = "storm:";

/// How keys of incidents begin that a person split off another.
const SPLIT: &str = "split:";

impl CorrelationKey {
    /// The service (and the place it runs in) if the alert names one; else its rule, with the sender's group and the
    /// scrape job. Alerts of different services never share a key, whatever group their sender puts them in.
    pub fn of(alert: &Alert) -> Self {
        let (key, shared) = if let Some(service) = alert.service() {
            (format!("service:{service}"), format!("the same service, {service}"))
        } else {
            let name = alert.name();
            let mut key = format!("alert:{name}");
            if let Some(group) = &alert.group_key {
                key = format!("{key}|group:{group}");
            }
            if let Some(job) = alert.labels.get("job") {
                key = format!("{key}|job:{job}");
            }
            (key, format!("the same rule, {name}, of the same group and job"))
        };
        Self { key, shared }.in_place_of(alert)
    }

    /// The key of the incident that alerts of one rule share during a storm, whatever their services.
    pub fn of_rule_storm(alert: &Alert) -> Self {
        let name = alert.name();
        Self { key: format!("{STORM}rule:{name}"), shared: format!("the same rule, {name}") }
            .in_place_of(alert)
    }

    /// The key of the one incident that all alerts share during a storm of many rules. It names no place: there may be
    /// as many places as services, and the number of incidents must have a bound.
    pub fn of_storm() -> Self {
        Self { key: format!("{STORM}all"), shared: "the same storm".to_owned() }
    }

    /// The key of an incident that is split off `from`. No alert has it: what joins the new incident is a person's
    /// choice alone. It is new each time, because splitting adds an event.
    pub(super) fn of_split(from: &Incident) -> Self {
        let key = format!("{SPLIT}{}:{}", from.id, from.last_event);
        Self { key, shared: "a person's choice".to_owned() }
    }

    fn in_place_of(mut self, alert: &Alert) -> Self {
        for label in PLACE_LABELS {
            if let Some(place) = alert.labels.get(label).filter(|place| !place.is_empty()) {
                self.key = format!("{}|{label}:{place}", self.key);
                self.shared = format!("{}, {label} {place}", self.shared);
            }
        }
        self
    }
}

impl Incident {
    /// Whether it took in alerts of many services, because too many incidents were being opened.
    pub fn is_storm(&self) -> bool {
        self.correlation_key.starts_with(STORM)
    }

    /// Whether a person split it off another.
    pub fn is_split_off(&self) -> bool {
        self.correlation_key.starts_with(SPLIT)
    }
}
