//! What a figure would be for somebody who answers without looking at the question.

use std::collections::BTreeMap;

/// The chance that the right one of `of` is among the first `places` of a random order.
pub fn among_first(places: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { as_f64(places.min(of)) / as_f64(of) }
}

/// The mean reciprocal rank of the right one of `of` in a random order: the harmonic number of `of`, divided by it.
pub fn reciprocal_rank(of: usize) -> f64 {
    let harmonic: f64 = (1..=of).map(|rank| 1.0 / as_f64(rank)).sum();
    if of == 0 { 0.0 } else { harmonic / as_f64(of) }
}

/// The accuracy and the macro-F1 of always giving the most frequent label.
pub fn most_frequent<'a>(right: impl IntoIterator<Item = &'a str>) -> (f64, f64) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for label in right {
        *counts.entry(label).or_default() += 1;
    }
    let all: usize = counts.values().sum();
    let most = counts.values().max().copied().unwrap_or(0);
    if all == 0 {
        return (0.0, 0.0);
    }
    let f1 = 2.0 * as_f64(most) / as_f64(most + all);
    (as_f64(most) / as_f64(all), f1 / as_f64(counts.len()))
}

/// The mean of floors that differ from item to item: corpora of different sizes, say.
pub fn mean(floors: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for floor in floors {
        sum += floor;
        count += 1.0;
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts of items are far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floors_are_those_of_a_random_order_and_of_a_constant_answer() {
        let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-12, "{one} is not {other}");
        close(among_first(5, 20), 0.25);
        close(among_first(5, 3), 1.0);
        close(reciprocal_rank(2), 0.75);
        let (accuracy, f1) = most_frequent(["a", "a", "a", "b"]);
        close(accuracy, 0.75);
        close(f1, (6.0 / 7.0) / 2.0);
        close(mean([0.5, 0.25]), 0.375);
        close(mean([]), 0.0);
    }
}
