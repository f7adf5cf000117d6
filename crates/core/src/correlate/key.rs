use crate::{Alert, Identity, Incident, Labels};

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

/// The longest key, in bytes: a database's index has no room for more than a few thousand.
const MAX_BYTES: usize = 512;

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
        self.shortened()
    }

    /// A key that is too long becomes its beginning and a hash of the whole, the same each time.
    fn shortened(mut self) -> Self {
        if self.key.len() > MAX_BYTES {
            let hash = Identity::of(&Labels::from([(String::new(), self.key.clone())]));
            let room = MAX_BYTES - hash.as_str().len() - 1;
            self.key.truncate(self.key.floor_char_boundary(room));
            self.key = format!("{}#{}", self.key, hash.as_str());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlertSource, AlertStatus, Fingerprint};

    fn key_of(service: &str, region: &str) -> String {
        let labels = [("alertname", "Slow"), ("service", service), ("region", region)];
        let labels: Labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let identity = Identity::of(&labels);
        let alert = Alert {
            fingerprint: Fingerprint::given_or_computed(None, &identity),
            identity,
            source: AlertSource::Alertmanager,
            status: AlertStatus::Firing,
            labels,
            annotations: Labels::new(),
            starts_at: chrono::DateTime::UNIX_EPOCH,
            start_is_guessed: false,
            ends_at: None,
            generator_url: None,
            group_key: None,
            note: None,
        };
        CorrelationKey::of(&alert).key
    }

    #[test]
    fn a_long_key_is_cut_and_still_tells_services_and_places_apart() {
        // Letters of two bytes: the cut must not fall into one.
        let long = "ä".repeat(3000);
        let (one, other) = (key_of(&long, "eu"), key_of(&long, "us"));
        assert_ne!(one, other);
        for key in [&one, &other] {
            assert!(key.len() <= MAX_BYTES && key.starts_with("service:ää"), "{}: {key}", key.len());
        }
        // Stored in incidents that are open: another version must give the same.
        assert!(one.ends_with("#cf5d9756ab9d8dee"), "{one}");
    }

    #[test]
    fn a_key_of_common_length_is_kept_as_it_is() {
        let fits = "s".repeat(MAX_BYTES - "service:|region:eu".len());
        assert_eq!(key_of(&fits, "eu"), format!("service:{fits}|region:eu"));
        assert!(key_of(&format!("{fits}s"), "eu").contains("s#"));
    }
}
