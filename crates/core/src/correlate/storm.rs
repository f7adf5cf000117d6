use crate::{Alert, CorrelationKey, Incident, Policy};

use super::words::in_words;

/// Too many incidents are being opened: [`Policy::storm_incidents`] or more within [`Policy::storm_window`].
#[derive(Debug, Clone, Copy)]
pub struct Storm<'a> {
    /// The open incident of [`CorrelationKey::of_rule_storm`].
    pub rule: Option<&'a Incident>,
    /// The open incident of [`CorrelationKey::of_storm`].
    pub all: Option<&'a Incident>,
    /// Whether twice as many were opened: then rules differ too, and one incident takes what is left.
    pub rules_full: bool,
}

/// Where an alert goes that would open an incident in a storm.
pub(super) struct Shelter<'a> {
    /// The incident, if it is open already.
    pub(super) incident: Option<&'a Incident>,
    /// Its key, to open it.
    pub(super) key: CorrelationKey,
    /// Its headline, to open it.
    pub(super) title: String,
    /// Why the alert goes there, in words.
    pub(super) reason: String,
}

impl<'a> Storm<'a> {
    pub(super) fn shelter(&self, alert: &Alert, policy: &Policy) -> Shelter<'a> {
        let window = in_words(policy.storm_window);
        let limit = policy.storm_incidents;
        if self.rules_full && self.rule.is_none() {
            let opened = limit.saturating_mul(2);
            return Shelter {
                incident: self.all,
                key: CorrelationKey::of_storm(),
                title: "Storm: alerts of many rules and services".to_owned(),
                reason: format!(
                    "{opened} incidents were opened within {window}; until that passes, alerts of all rules share one."
                ),
            };
        }
        Shelter {
            incident: self.rule,
            key: CorrelationKey::of_rule_storm(alert),
            title: format!("Storm: {} on many services", alert.name()),
            reason: format!(
                "{limit} incidents were opened within {window}; until that passes, alerts of the same rule share one."
            ),
        }
    }
}
