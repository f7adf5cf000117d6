//! Why two incidents are alike, in words.

use super::{
    Features, Likeness, Wording,
    terms::{Asked, Terms, UNKNOWN},
};

/// Names of shared alerts that are told.
const NAMED: usize = 2;

/// "same alert and service; 94 % alike in wording". What is known to differ is told too where it matters: a reader must
/// not take another service's story for this one's.
pub(super) fn in_words(asked: &Asked, past: &Features, likeness: &Likeness, terms: &Terms) -> String {
    let shared: Vec<u32> =
        asked.alerts.iter().copied().filter(|alert| past.alerts.binary_search(alert).is_ok()).collect();
    let all_alike = shared.len() == past.alerts.len() && shared.len() == asked.alerts.len();
    let same_service = likeness.service == Some(1.0);
    let mut reasons = Vec::new();
    match (shared.len(), same_service) {
        (0, true) => reasons.push("same service".to_owned()),
        (0, false) => {}
        (1, _) if all_alike => {
            reasons.push(if same_service { "same alert and service" } else { "same alert" }.to_owned());
        }
        (_, _) if all_alike => {
            reasons.push(if same_service { "same alerts and service" } else { "same alerts" }.to_owned());
        }
        (count, _) => {
            let names: Vec<&str> = shared.iter().take(NAMED).map(|&alert| terms.name(alert)).collect();
            let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
            let service = if same_service { ", same service" } else { "" };
            reasons.push(format!("both had {}{more}{service}", names.join(" and ")));
        }
    }
    if let (Some(0.0), Some(other)) = (likeness.service, past.service) {
        reasons.push(format!("another service ({})", terms.name(other)));
    }
    match likeness.wording {
        Some(Wording::Meaning(cosine)) if cosine >= 0.5 => {
            reasons.push(format!("{} alike in wording", percent(cosine)));
        }
        Some(Wording::Words(share)) if share >= 0.25 => {
            reasons.push(format!("{} of the headline's words", percent(share)));
        }
        _ => {}
    }
    let labels = alike_labels(asked, past, terms);
    if !labels.is_empty() {
        reasons.push(format!("same {}", labels.join(" and ")));
    }
    reasons.join("; ")
}

/// Labels that agree, by name and value.
fn alike_labels(asked: &Asked, past: &Features, terms: &Terms) -> Vec<String> {
    let alike = asked.labels.iter().filter(|label| label.1 != UNKNOWN && past.labels.contains(label));
    alike.take(NAMED).map(|&(_, pair)| terms.name(pair).replacen('=', " ", 1)).collect()
}

fn percent(share: f32) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 100.0))
}
