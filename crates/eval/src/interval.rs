//! 95 % intervals by the bootstrap: how far a figure would move had other questions of the same kind been asked.
//!
//! The items are drawn again with replacement, as many as there are, and summed up; the interval holds the middle 95 %
//! of the results (the percentile interval of Efron and Tibshirani, 1993). It knows nothing of a systematic fault of
//! the data. Where every item scored the same, it has no width, and says only that the items do not tell.

use crate::{
    crash::Dice,
    suite::{Item, Measure},
};

/// How often the items are drawn again.
pub const RESAMPLES: usize = 1_000;

/// Decides the draws, so that the same items always give the same interval.
const SEED: u64 = 95;

/// The lower and the upper end of an interval.
pub type Interval = [f64; 2];

/// The interval of each measure, from one set of draws. `None` where a measure has no value for most draws.
pub(crate) fn of_figures(items: &[&Item], measures: &[Measure]) -> Vec<Option<Interval>> {
    let mut values = vec![Vec::with_capacity(RESAMPLES); measures.len()];
    let mut draws = Draws::of(items.len());
    let mut sample = Vec::with_capacity(items.len());
    for _ in 0..RESAMPLES {
        sample.clear();
        sample.extend(draws.next().iter().map(|&place| items[place]));
        for (measure, values) in measures.iter().zip(&mut values) {
            values.extend(measure.value(&sample));
        }
    }
    values.into_iter().map(middle).collect()
}

/// The interval of a measure's change between two runs over the same items: `now[i]` and `then[i]` are the same
/// question. A draw takes both answers to a question, so what makes a question hard cancels out.
pub(crate) fn of_change(now: &[&Item], then: &[&Item], measure: &Measure) -> Option<Interval> {
    let mut changes = Vec::with_capacity(RESAMPLES);
    let mut draws = Draws::of(now.len().min(then.len()));
    for _ in 0..RESAMPLES {
        let places = draws.next();
        let value = |items: &[&Item]| {
            measure.value(&places.iter().map(|&place| items[place]).collect::<Vec<&Item>>())
        };
        changes.extend(value(now).zip(value(then)).map(|(now, then)| difference(now, then)));
    }
    middle(changes)
}

/// What `now` is more than `then`. Numbers that were saved as text may differ in their last digit, which is no change.
pub(crate) fn difference(now: f64, then: f64) -> f64 {
    let by = now - then;
    if by.abs() < 1e-9 * now.abs().max(1.0) { 0.0 } else { by }
}

/// The middle 95 % of the values, if most draws had one.
fn middle(mut values: Vec<f64>) -> Option<Interval> {
    if values.len() < RESAMPLES / 2 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    // 2.5 % of the draws lie below and 2.5 % above.
    let outside = values.len() / 40;
    Some([values[outside], values[values.len() - 1 - outside]])
}

/// Places of items, drawn with replacement.
struct Draws {
    dice: Dice,
    places: Vec<usize>,
}

impl Draws {
    fn of(items: usize) -> Self {
        Self { dice: Dice::new(SEED), places: vec![0; items] }
    }

    fn next(&mut self) -> &[usize] {
        let end = self.places.len();
        for place in &mut self.places {
            *place = self.dice.place_below(end);
        }
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::aggregate;

    /// Items of which every `n`th scores 0.
    fn items(count: usize, every: usize) -> Vec<Item> {
        (0..count)
            .map(|n| Item::new(n.to_string()).score("r1", f64::from(u8::from(n % every != 0))))
            .collect()
    }

    fn r1() -> Measure {
        Measure::share("r1", "")
    }

    #[test]
    fn the_interval_is_as_wide_as_theory_says_and_the_same_each_time() {
        let items = items(400, 5);
        let items: Vec<&Item> = items.iter().collect();
        let [low, high] = of_figures(&items, &[r1()])[0].expect("an interval");
        // A share of .8 of 400 has a standard error of .02; 95 % is within 1.96 of them.
        assert!((low - 0.761).abs() < 0.006, "{low}");
        assert!((high - 0.839).abs() < 0.006, "{high}");
        assert_eq!(of_figures(&items, &[r1()])[0], Some([low, high]));
    }

    #[test]
    fn a_change_is_paired() {
        // Both runs fail on a third; the second fails on 20 more of 600. Unpaired, that would be lost in the noise.
        let then = items(600, 3);
        let now: Vec<Item> = (0..600)
            .map(|n| {
                let failed = n % 3 == 0 || n % 30 == 1;
                Item::new(n.to_string()).score("r1", f64::from(u8::from(!failed)))
            })
            .collect();
        let (then, now): (Vec<&Item>, Vec<&Item>) = (then.iter().collect(), now.iter().collect());
        let [low, high] = of_change(&now, &then, &r1()).expect("an interval");
        assert!(low < -0.033 && -0.033 < high && high < 0.0, "{low} to {high}");
        assert_eq!(of_change(&then, &then, &r1()), Some([0.0, 0.0]));
    }

    #[test]
    fn the_last_digit_of_a_saved_number_is_no_change() {
        let scored = |score: f64| -> Vec<Item> {
            (0..40).map(|n| Item::new(n.to_string()).score("r1", score)).collect()
        };
        let (then, now) = (scored(0.3), scored(0.1 + 0.2));
        let (then, now): (Vec<&Item>, Vec<&Item>) = (then.iter().collect(), now.iter().collect());
        assert_eq!(of_change(&now, &then, &r1()), Some([0.0, 0.0]));
    }

    #[test]
    fn what_has_no_value_has_no_interval() {
        let lonely = [Item::new("a")];
        let lonely: Vec<&Item> = lonely.iter().collect();
        let accuracy = Measure::of("accuracy", "", aggregate::accuracy);
        assert_eq!(of_figures(&lonely, &[r1()]), [None]);
        assert_eq!(of_figures(&[], &[r1(), accuracy]), [None, None]);
    }
}
