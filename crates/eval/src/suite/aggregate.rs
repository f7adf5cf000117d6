//! Ways to sum up items that several suites use.

use std::collections::BTreeMap;

use super::Item;

/// The mean of a score over the items that have it.
pub fn mean(items: &[&Item], key: &str) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u32);
    for score in items.iter().filter_map(|item| item.score_of(key)) {
        sum += score;
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// The sum of a score over the sum of another: errors over words, for a word error rate.
pub fn ratio(items: &[&Item], over: &str, under: &str) -> Option<f64> {
    let sum = |key: &str| items.iter().filter_map(|item| item.score_of(key)).sum::<f64>();
    let under = sum(under);
    (under > 0.0).then(|| sum(over) / under)
}

/// The median of a score over the items that have it.
pub fn median(items: &[&Item], key: &str) -> Option<f64> {
    let mut scores: Vec<f64> = items.iter().filter_map(|item| item.score_of(key)).collect();
    scores.sort_by(f64::total_cmp);
    let middle = scores.len() / 2;
    match scores.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(scores[middle]),
        _ => Some(f64::midpoint(scores[middle - 1], scores[middle])),
    }
}

/// The share of items whose answer is the right label. A refusal is wrong.
pub fn accuracy(items: &[&Item]) -> Option<f64> {
    let right = items.iter().filter(|item| item.given_answer() == Some(item.right_answer())).count();
    (!items.is_empty()).then(|| as_f64(right) / as_f64(items.len()))
}

/// The mean of the labels' F1, each label counting alike however rare it is. The labels are those that are right for
/// some item or were given to some.
pub fn macro_f1(items: &[&Item]) -> Option<f64> {
    let labels = count_labels(items);
    let sum: f64 = labels.values().map(Label::f1).sum();
    (!labels.is_empty()).then(|| sum / as_f64(labels.len()))
}

/// The F1 of one label: the harmonic mean of precision and recall.
pub fn f1(items: &[&Item], label: &str) -> Option<f64> {
    count_labels(items).get(label).map(Label::f1)
}

/// The share of the answers of this label that are right; `None` if it was never given.
pub fn precision(items: &[&Item], label: &str) -> Option<f64> {
    let label = count_labels(items).remove(label)?;
    (label.given > 0).then(|| as_f64(label.hits) / as_f64(label.given))
}

/// The share of the items for which this label is right that were given it; `None` if there are no such items.
pub fn recall(items: &[&Item], label: &str) -> Option<f64> {
    let label = count_labels(items).remove(label)?;
    (label.right > 0).then(|| as_f64(label.hits) / as_f64(label.right))
}

/// The expected calibration error: how far the stated probability (score `probability`) is from the share that was
/// right (score `right`, 0 or 1), over ten equally wide bins, each weighed by its items (Naeini, Cooper and
/// Hauskrecht, 2015).
pub fn calibration_error(items: &[&Item], probability: &str, right: &str) -> Option<f64> {
    const BINS: u8 = 10;
    let mut bins = [(0_usize, 0.0_f64); BINS as usize];
    let mut all = 0;
    for item in items {
        let (Some(stated), Some(was_right)) = (item.score_of(probability), item.score_of(right)) else {
            continue;
        };
        let place = (1..BINS).filter(|&edge| stated >= f64::from(edge) / f64::from(BINS)).count();
        bins[place].0 += 1;
        bins[place].1 += stated - was_right;
        all += 1;
    }
    // A bin's weight times its gap: the bin's own size cancels out.
    (all > 0).then(|| bins.iter().map(|(_, gaps)| gaps.abs()).sum::<f64>() / as_f64(all))
}

/// The mean of `right` over the share of items with the greatest `certainty`: what a reader gets who acts only on sure
/// answers. With `share` 1 it is the plain mean.
pub fn mean_of_surest(items: &[&Item], share: f64, certainty: &str, right: &str) -> Option<f64> {
    let mut scored: Vec<(f64, f64)> =
        items.iter().filter_map(|item| Some((item.score_of(certainty)?, item.score_of(right)?))).collect();
    // Ties are in the order of their rightness, so that the items' own order decides nothing.
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.total_cmp(&other.1)));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of items, rounded")]
    let kept = (as_f64(scored.len()) * share).round() as usize;
    let kept = &scored[..kept.min(scored.len())];
    (!kept.is_empty()).then(|| kept.iter().map(|(_, right)| right).sum::<f64>() / as_f64(kept.len()))
}

#[derive(Default)]
struct Label {
    /// Items for which it is right.
    right: usize,
    /// Items to which it was given.
    given: usize,
    /// Items of both kinds.
    hits: usize,
}

impl Label {
    fn f1(&self) -> f64 {
        2.0 * as_f64(self.hits) / as_f64(self.right + self.given).max(1.0)
    }
}

fn count_labels<'a>(items: &[&'a Item]) -> BTreeMap<&'a str, Label> {
    let mut labels: BTreeMap<&str, Label> = BTreeMap::new();
    for item in items {
        labels.entry(item.right_answer()).or_default().right += 1;
        if let Some(given) = item.given_answer() {
            let label = labels.entry(given).or_default();
            label.given += 1;
            label.hits += usize::from(given == item.right_answer());
        }
    }
    labels
}

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(pairs: &[(&str, Option<&str>)]) -> Vec<Item> {
        let item = |(number, (right, given)): (usize, &(&str, Option<&str>))| {
            let item = Item::new(number.to_string()).right(right);
            given.map_or(item.clone(), |given| item.answered(given))
        };
        pairs.iter().enumerate().map(item).collect()
    }

    fn close(value: Option<f64>, expected: f64) {
        assert!(value.is_some_and(|value| (value - expected).abs() < 1e-9), "{value:?} is not {expected}");
    }

    #[test]
    fn labels_count_alike_in_macro_f1_and_a_refusal_is_wrong() {
        let items = labelled(&[
            ("disk", Some("disk")),
            ("disk", Some("disk")),
            ("disk", None),
            ("cpu", Some("disk")),
            ("cpu", Some("cpu")),
        ]);
        let items: Vec<&Item> = items.iter().collect();
        close(accuracy(&items), 3.0 / 5.0);
        // disk: 2 hits, 3 right, 3 given. cpu: 1 hit, 2 right, 1 given.
        close(macro_f1(&items), f64::midpoint(4.0 / 6.0, 2.0 / 3.0));
        close(precision(&items, "cpu"), 1.0);
        close(recall(&items, "cpu"), 0.5);
        close(f1(&items, "disk"), 4.0 / 6.0);
        assert_eq!(macro_f1(&[]), None);
    }

    #[test]
    fn calibration_error_is_the_gap_between_what_is_said_and_what_holds() {
        let item = |p: f64, right: f64| Item::new("").score("p", p).score("right", right);
        // Ten answers of 90 %, of which nine are right; and four of 60 %, none of which is.
        let mut items: Vec<Item> = (0..10).map(|n| item(0.9, f64::from(u8::from(n > 0)))).collect();
        items.extend((0..4).map(|_| item(0.6, 0.0)));
        let items: Vec<&Item> = items.iter().collect();
        close(calibration_error(&items, "p", "right"), 4.0 / 14.0 * 0.6);
        close(mean_of_surest(&items, 10.0 / 14.0, "p", "right"), 0.9);
    }

    #[test]
    fn medians_and_ratios_pass_over_what_has_no_score() {
        let items =
            [Item::new("a").score("e", 3.0).score("w", 10.0), Item::new("b"), Item::new("c").score("e", 1.0)];
        let items: Vec<&Item> = items.iter().collect();
        close(median(&items, "e"), 2.0);
        close(mean(&items, "e"), 2.0);
        close(ratio(&items, "e", "w"), 0.4);
        assert_eq!(ratio(&items, "e", "none"), None);
    }
}
