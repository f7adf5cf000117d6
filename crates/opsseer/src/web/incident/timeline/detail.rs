//! What one can open under an event: labels, a step, a query.

use opsseer_core::{AlertSnapshot, AssetRef, Charted, Labels, NearPlace, RunbookAnswered};

use crate::web::{
    answer::Near,
    incident::words::{asset_address, range_words},
    prose::{Prose, cut, safe_address},
};

/// Characters of a label's name.
const NAME: usize = 200;
/// Labels or annotations that one event shows at most, and characters of each. A sender may send thousands.
const ROWS: usize = 50;
const VALUE: usize = 500;
/// Bytes of a link's address; a longer one is left out.
const ADDRESS: usize = 8192;

/// The text of a label.
pub(super) enum Value {
    Whole(Prose),
    /// Without links, which may be cut too.
    Cut {
        start: String,
        left_out: usize,
    },
}

/// A label.
pub(super) struct NamedText {
    pub(super) name: String,
    pub(super) value: Value,
}

/// Labels or annotations.
pub(super) struct Table {
    pub(super) rows: Vec<NamedText>,
    pub(super) left_out: usize,
}

/// What one can open under an event.
pub(super) enum Detail {
    Alert { labels: Table, annotations: Table, rule: Option<String> },
    Runbook { quote: String, commands: Vec<String> },
    Places(Vec<Near>),
    Query { expr: String, range: String },
}

/// A picture of an event.
pub(crate) struct Shot {
    pub(crate) address: String,
    pub(crate) alt: String,
}

impl Shot {
    pub(crate) fn of(asset: &AssetRef) -> Option<Self> {
        let picture = asset.media_type.starts_with("image/");
        picture.then(|| Self { address: asset_address(asset), alt: asset.alt.clone() })
    }
}

impl Detail {
    pub(super) fn of_alert(alert: &AlertSnapshot) -> Self {
        let rule = alert.generator_url.as_deref().filter(|address| address.len() <= ADDRESS);
        Self::Alert {
            labels: Table::of(&alert.labels),
            annotations: Table::of(&alert.annotations),
            rule: rule.and_then(safe_address),
        }
    }

    pub(super) fn of_runbook(answer: &RunbookAnswered) -> Self {
        Self::Runbook { quote: answer.quote.clone(), commands: answer.commands.clone() }
    }

    /// What came nearest, if anything did.
    pub(super) fn of_places(places: &[NearPlace]) -> Option<Self> {
        (!places.is_empty()).then(|| Self::Places(Near::all(places)))
    }

    pub(super) fn of_chart(chart: &Charted) -> Self {
        Self::Query { expr: chart.expr.clone(), range: range_words(chart) }
    }
}

impl Table {
    fn of(labels: &Labels) -> Self {
        let row =
            |(name, value): (&String, &String)| NamedText { name: cut(name, NAME), value: Value::of(value) };
        Self {
            rows: labels.iter().take(ROWS).map(row).collect(),
            left_out: labels.len().saturating_sub(ROWS),
        }
    }
}

impl Value {
    fn of(text: &str) -> Self {
        match text.char_indices().nth(VALUE) {
            None => Self::Whole(Prose::new(text)),
            Some((end, _)) => {
                Self::Cut { start: text[..end].to_owned(), left_out: text[end..].chars().count() }
            }
        }
    }
}
