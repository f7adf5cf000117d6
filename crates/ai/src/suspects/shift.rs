//! How far a series moved from what is usual for it.

use std::ops::Range;

use super::{
    robust::{finite, median, quantile, standard_deviation},
    window::within,
};

/// Fewer values than this say nothing of what is usual.
const FEWEST: usize = 3;

/// A change by less than this share of the usual value is small, however steady the series was.
const SMALL: f64 = 0.05;

/// More sigmas than this do not make a change more suspicious: what never moved before has no sigma to speak of.
pub(super) const FARTHEST: f64 = 100.0;

/// The quartiles of a normal distribution lie this many sigmas apart.
const SIGMAS_BETWEEN_QUARTILES: f64 = 1.349;

/// Sigmas from which on a single value has left its usual range.
const LEFT: f64 = 3.0;

/// What is usual for a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Usual {
    /// Its median.
    pub(super) middle: f64,
    /// Its sigma: what the distance of its quartiles would be for a normal distribution, but no less than [`SMALL`].
    sigma: f64,
}

impl Usual {
    /// What these values, all finite, say; `None` if they are too few. `ceiling` is the value at which nothing fails, of
    /// a share of successes: a small change is one that is small beside the share of failures.
    pub(super) fn of(values: &[f64], ceiling: Option<f64>) -> Option<Self> {
        if values.len() < FEWEST {
            return None;
        }
        let mut order = values.to_vec();
        let middle = median(&mut order);
        let quartiles = quantile(&mut order, 0.75) - quantile(&mut order, 0.25);
        let size = ceiling.map_or(middle, |ceiling| ceiling - middle).abs();
        let mut sigma = (quartiles / SIGMAS_BETWEEN_QUARTILES).max(SMALL * size);
        if sigma <= 0.0 {
            // Mostly 0, as counts of errors are: then the exceptions say how much is usual.
            sigma = standard_deviation(values);
        }
        Some(Self { middle, sigma: sigma.max(f64::MIN_POSITIVE) })
    }

    /// How many sigmas a value is from the middle, at most [`FARTHEST`].
    pub(super) fn sigmas(&self, value: f64) -> f64 {
        ((value - self.middle) / self.sigma).clamp(-FARTHEST, FARTHEST)
    }
}

/// A series' move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shift {
    /// Its median before.
    pub(super) before: f64,
    /// Its median since: what at least half of the values reach, so that a single one says nothing.
    pub(super) during: f64,
    /// The distance in sigmas, signed.
    pub(super) sigmas: f64,
    /// As far as stretches of this length went from the usual before, in sigmas: its habit.
    pub(super) habit: f64,
    /// The place of the first of at least two values in a row that left the usual range, on the side of the move.
    pub(super) onset: Option<usize>,
}

/// The move of a series between two ranges of places; `None` if there are too few values. For `ceiling` see
/// [`Usual::of`].
pub(super) fn measure(
    values: &[f64],
    usual: &Range<usize>,
    incident: &Range<usize>,
    ceiling: Option<f64>,
) -> Option<Shift> {
    let past = finite(within(values, usual));
    let normal = Usual::of(&past, ceiling)?;
    let mut since = finite(within(values, incident));
    if since.is_empty() {
        return None;
    }
    let during = median(&mut since);
    let sigmas = normal.sigmas(during);
    let habit = habit(&values[..incident.start.min(values.len())], &normal, incident.len());
    let onset = onset(values, &normal, incident, sigmas.signum());
    Some(Shift { before: normal.middle, during, sigmas, habit, onset })
}

/// The distance that stretches of this length reached in all of the past. Of few values, the farthest counts: there are
/// many blips. Of many, one in twenty does not count: that may have been an incident like this one.
fn habit(past: &[f64], normal: &Usual, length: usize) -> f64 {
    const MANY: usize = 15;
    let share = if length >= MANY { 0.95 } else { 1.0 };
    let mut distances: Vec<f64> = past
        .chunks_exact(length.max(1))
        .map(|chunk| median(&mut finite(chunk)))
        .filter(|middle| middle.is_finite())
        .map(|middle| normal.sigmas(middle).abs())
        .collect();
    let distance = quantile(&mut distances, share);
    if distance.is_finite() { distance } else { 0.0 }
}

/// Looks a few values ahead of the incident too: what moved first may have moved before the rest.
fn onset(values: &[f64], normal: &Usual, incident: &Range<usize>, side: f64) -> Option<usize> {
    const AHEAD: usize = 3;
    let left = |place: usize| values.get(place).is_some_and(|&value| normal.sigmas(value) * side > LEFT);
    let end = incident.end.min(values.len());
    let from = incident.start.saturating_sub(AHEAD);
    (from..end).find(|&place| left(place) && (left(place + 1) || place + 1 == end))
}

/// The same values without what the service's traffic explains: a line is fitted over the usual range, and what it
/// gives for each moment is taken off. `None` if too little is known.
pub(super) fn without_traffic(values: &[f64], traffic: &[f64], usual: &Range<usize>) -> Option<Vec<f64>> {
    const FEWEST_PAIRS: usize = 20;
    /// Pulls the slope towards 0, where traffic hardly varied.
    const RIDGE: f64 = 1.1;
    let pairs = within(traffic, usual).iter().zip(within(values, usual));
    let (x, y): (Vec<f64>, Vec<f64>) =
        pairs.filter(|(x, y)| x.is_finite() && y.is_finite()).map(|(&x, &y)| (x, y)).unzip();
    if x.len() < FEWEST_PAIRS {
        return None;
    }
    let centre = median(&mut x.clone());
    let (x, y) = (clipped(&x), clipped(&y));
    let spread: f64 = x.iter().map(|x| x * x).sum();
    if spread <= 0.0 {
        return None;
    }
    let slope = x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>() / (spread * RIDGE);
    let explained = |traffic: Option<&f64>| {
        traffic.filter(|traffic| traffic.is_finite()).map_or(0.0, |traffic| slope * (traffic - centre))
    };
    Some(values.iter().enumerate().map(|(place, value)| value - explained(traffic.get(place))).collect())
}

/// Distances from the median, the wildest twentieth on each side brought in.
fn clipped(values: &[f64]) -> Vec<f64> {
    let mut order = values.to_vec();
    let middle = median(&mut order);
    let (low, high) = (quantile(&mut order, 0.05), quantile(&mut order, 0.95));
    values.iter().map(|value| value.clamp(low, high) - middle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suspects::tests::noise;

    #[test]
    fn a_jump_is_measured_in_sigmas_and_dated() {
        let mut values = noise(1, 200, 100.0);
        values[5] = 9_000.0;
        values[150..].iter_mut().for_each(|value| *value += 60.0);
        let shift = measure(&values, &(30..150), &(152..200), None).expect("enough values");
        assert!((7.0..13.0).contains(&shift.sigmas), "{shift:?}");
        assert_eq!(shift.onset, Some(150));
        assert!(shift.habit < 1.5, "{shift:?}");
    }

    #[test]
    fn what_is_usually_0_has_no_sigma_but_a_limit() {
        let mut values = vec![0.0; 100];
        values[90..].fill(0.3);
        assert!(
            (measure(&values, &(0..90), &(90..100), None).expect("enough").sigmas - FARTHEST).abs() < 1e-9
        );
        for place in [10, 30, 50, 70] {
            values[place] = 0.5;
        }
        let usual = measure(&values, &(0..90), &(90..100), None).expect("enough").sigmas;
        assert!((2.0..4.0).contains(&usual), "errors that come and go: {usual}");
    }

    #[test]
    fn a_few_failures_in_a_hundred_are_no_small_change_of_a_share_of_successes() {
        let mut values: Vec<f64> = noise(5, 100, 0.4).iter().map(|failed| 100.0 - failed).collect();
        values[90..].iter_mut().for_each(|value| *value -= 3.0);
        let sigmas = |ceiling| measure(&values, &(0..90), &(90..100), ceiling).expect("enough").sigmas;
        assert!(
            sigmas(None) > -1.0 && sigmas(Some(100.0)) < -20.0,
            "{} {}",
            sigmas(None),
            sigmas(Some(100.0))
        );
    }

    #[test]
    fn gaps_are_passed_over_and_too_few_values_say_nothing() {
        let mut values = vec![f64::NAN; 100];
        values[..7].fill(1.0);
        assert_eq!(measure(&values, &(0..90), &(90..100), None), None);
        values[..20].fill(1.0);
        assert_eq!(measure(&values, &(0..90), &(90..100), None), None);
        values[95] = 2.0;
        assert!(measure(&values, &(0..90), &(90..100), None).is_some_and(|shift| shift.sigmas > 10.0));
    }

    #[test]
    fn work_that_grows_with_traffic_is_explained_by_it() {
        let mut traffic = noise(3, 130, 50.0);
        traffic[120..].iter_mut().for_each(|value| *value *= 2.0);
        let cpu: Vec<f64> = traffic.iter().zip(noise(4, 130, 1.0)).map(|(x, e)| 3.0 * x + e).collect();
        let usual = 0..120;
        let plain = measure(&cpu, &usual, &(120..130), None).expect("enough").sigmas;
        let rest = without_traffic(&cpu, &traffic, &usual).expect("enough");
        let rest = measure(&rest, &usual, &(120..130), None).expect("enough").sigmas;
        assert!(plain > 8.0 && rest.abs() < plain / 2.0, "{plain} {rest}");
    }
}
