//! What an alert says, for the AI services.

use opsseer_ai::{classify::AlertText, runbook::AlertQuestion};
use opsseer_connect::promql;
use opsseer_core::AlertSnapshot;

/// For the classifier.
pub(crate) fn for_classifier(alert: &AlertSnapshot) -> AlertText {
    AlertText {
        name: alert.name.clone(),
        summary: alert.summary.clone().unwrap_or_default(),
        description: annotation(alert, "description").unwrap_or_default(),
        expr: expression(alert).unwrap_or_default(),
        labels: alert.labels.clone(),
    }
}

/// For the runbooks.
pub(crate) fn for_runbooks(alert: &AlertSnapshot) -> AlertQuestion {
    AlertQuestion {
        alert_name: alert.name.clone(),
        runbook_url: annotation(alert, "runbook_url").or_else(|| annotation(alert, "runbook")),
        summary: alert.summary.clone(),
        description: annotation(alert, "description"),
        labels: alert.labels.clone(),
        expr: expression(alert),
    }
}

fn annotation(alert: &AlertSnapshot, name: &str) -> Option<String> {
    alert.annotations.get(name).filter(|text| !text.is_empty()).cloned()
}

fn expression(alert: &AlertSnapshot) -> Option<String> {
    alert.generator_url.as_deref().and_then(promql::expr_of_generator_url)
}
