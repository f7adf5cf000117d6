//! Changes as marks in an incident's pictures.

use chrono::{DateTime, Utc};
use opsseer_core::{ChangeSeen, ChangeType, Incident};
use opsseer_store::{Store, StoreError};

use super::{Change, on_timeline, together, told_of};
use crate::chart::{Mark, MarkKind};

/// Changes that are marked, the newest: more would hide the line.
const MOST: usize = 8;

/// Changes of the timeline that are looked at.
const LOOKED_AT: u32 = 50;

/// Characters of a version that a label has room for.
const VERSION: usize = 16;

/// What was changed of an incident's service between two times: what is on its timeline, and what OpsSeer was told and has
/// not put there yet.
pub(crate) async fn between(
    store: &Store,
    incident: &Incident,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<Mark>, StoreError> {
    let told = told_of(store, incident.service.as_deref(), (from, to)).await?;
    let mut shown = on_timeline(store, incident.id, LOOKED_AT).await?;
    shown.retain(|change| (from..=to).contains(&change.at));
    let mut marks: Vec<Mark> = together(told, shown).iter().take(MOST).map(mark).collect();
    marks.reverse();
    Ok(marks)
}

fn mark(change: &Change) -> Mark {
    Mark { at: change.at, label: label(&change.seen), kind: MarkKind::Change }
}

/// A word or two.
fn label(seen: &ChangeSeen) -> String {
    let word = match seen.change {
        ChangeType::Other => "change",
        other => other.as_str(),
    };
    match &seen.version {
        Some(version) => format!("{word} {}", version.chars().take(VERSION).collect::<String>()),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_a_word_and_a_short_version() {
        let seen = |change, version: Option<&str>| ChangeSeen {
            change,
            title: "t".into(),
            service: None,
            version: version.map(str::to_owned),
            link: None,
            source: "ci".into(),
        };
        assert_eq!(label(&seen(ChangeType::Deploy, Some("1.42"))), "deploy 1.42");
        assert_eq!(label(&seen(ChangeType::Deploy, Some("0123456789abcdef01"))), "deploy 0123456789abcdef");
        assert_eq!(label(&seen(ChangeType::Other, None)), "change");
    }
}
