//! Which values are the incident's and which say what is usual.

use std::ops::Range;

use super::{
    Onset, Scene,
    kind::ceiling,
    robust::{as_f64, finite, median},
    shift::Usual,
};

/// What is usual is told by this many values before the onset, or by two hours of them if those are more: things that
/// happened long before say less than what was so until now.
const USUAL_STEPS: usize = 120;
const USUAL_MS: i64 = 2 * 60 * 60_000;

/// An incident began at most this long before it was noticed.
const UNNOTICED_MS: i64 = 15 * 60_000;

/// A pause within an incident is no longer than this, or one value.
const PAUSE_MS: i64 = 60_000;

/// Of a moment, the series that are farthest from their usual say whether something happens.
const LOUDEST: usize = 10;

/// Sigmas that single values reach without anything happening.
const LOUD: f64 = 3.0;

/// Where to look, as places in the series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    /// What is usual.
    pub(super) usual: Range<usize>,
    /// The incident.
    pub(super) incident: Range<usize>,
}

impl Window {
    /// The windows of a scene; the onset is looked for in the series where it is not known.
    pub(super) fn of(scene: &Scene) -> Self {
        let end = scene.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
        let incident = match scene.onset {
            Onset::At(ms) => place(scene, ms).min(end)..end,
            Onset::Noticed(ms) => noticed(scene, place(scene, ms).min(end), end),
            Onset::Unknown => loudest_stretch(scene, end),
        };
        Self { usual: usual_before(scene, incident.start), incident }
    }
}

/// The first value at or after a moment.
fn place(scene: &Scene, ms: i64) -> usize {
    let step = scene.step_ms.max(1);
    let after = ms.saturating_sub(scene.start_ms).max(0);
    usize::try_from(after / step + i64::from(after % step > 0)).unwrap_or(usize::MAX)
}

fn steps(scene: &Scene, ms: i64) -> usize {
    usize::try_from(ms / scene.step_ms.max(1)).unwrap_or(usize::MAX)
}

fn usual_before(scene: &Scene, onset: usize) -> Range<usize> {
    let length = USUAL_STEPS.max(steps(scene, USUAL_MS));
    onset.saturating_sub(length)..onset
}

/// Back from where it was noticed, as long as it was loud.
fn noticed(scene: &Scene, noticed: usize, end: usize) -> Range<usize> {
    // Half of what there is must remain to say what is usual.
    let earliest = noticed.saturating_sub(steps(scene, UNNOTICED_MS).max(1)).max(noticed.div_ceil(2));
    let usual = usual_before(scene, earliest);
    let before = median(&mut loudness(scene, &usual, usual.clone()));
    let loudness = loudness(scene, &usual, earliest..end);
    let since = median(&mut loudness.get(noticed - earliest..).unwrap_or_default().to_vec());
    let middle = f64::midpoint(before, since);
    let pause = steps(scene, PAUSE_MS).max(1);
    let mut onset = noticed;
    // An earlier incident, with a quiet time after it, is not this one.
    while let Some(loud) = (onset.saturating_sub(pause + 1).max(earliest)..onset)
        .find(|place| since > before && loudness[place - earliest] > middle)
    {
        onset = loud;
    }
    onset..end
}

/// The stretch that is loudest of all.
fn loudest_stretch(scene: &Scene, end: usize) -> Range<usize> {
    let whole = 0..end;
    let loudness = loudness(scene, &whole, whole.clone());
    let mut order = loudness.clone();
    let quiet = super::robust::quantile(&mut order, 0.75);
    let loudest = order.iter().copied().fold(quiet, f64::max);
    let middle = f64::midpoint(quiet, loudest);
    let (mut sum, mut from) = (0.0, 0);
    let (mut best, mut stretch) = (f64::NEG_INFINITY, 0..0);
    for (place, loud) in loudness.iter().enumerate() {
        if sum <= 0.0 {
            (sum, from) = (0.0, place);
        }
        sum += loud - middle;
        if sum > best {
            (best, stretch) = (sum, from..place + 1);
        }
    }
    // Little is usual at the very beginning.
    if stretch.start < end / 8 { end - end / 8..end } else { stretch }
}

/// How far the loudest series are from their usual, at each of these places.
fn loudness(scene: &Scene, usual: &Range<usize>, places: Range<usize>) -> Vec<f64> {
    let mut at: Vec<Vec<f64>> = vec![Vec::new(); places.len()];
    for series in &scene.series {
        let ceiling = ceiling(series.kind, &series.metric, &series.values);
        let Some(usual) = Usual::of(&finite(within(&series.values, usual)), ceiling) else { continue };
        for (place, loud) in places.clone().zip(&mut at) {
            if let Some(value) = series.values.get(place).filter(|value| value.is_finite()) {
                loud.push((usual.sigmas(*value).abs() - LOUD).max(0.0).ln_1p());
            }
        }
    }
    at.into_iter().map(|loud| mean_of_greatest(loud, LOUDEST)).collect()
}

fn mean_of_greatest(mut values: Vec<f64>, count: usize) -> f64 {
    if values.len() > count {
        values.select_nth_unstable_by(count - 1, |one, other| other.total_cmp(one));
        values.truncate(count);
    }
    values.iter().sum::<f64>() / as_f64(values.len().max(1))
}

/// The part of the values that lies in a range; shorter where the values end before.
pub(super) fn within<'a>(values: &'a [f64], range: &Range<usize>) -> &'a [f64] {
    let end = range.end.min(values.len());
    &values[range.start.min(end)..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suspects::{MetricKind, MetricSeries, tests::noise};

    /// Twenty series of four hours in minutes; a few jump at `from` and come back at `to`.
    fn scene(from: usize, to: usize, onset: Onset) -> Scene {
        let series = (0..20_usize).map(|id| {
            let mut values = noise(id, 240, 10.0);
            if id < 4 {
                values[from..to].iter_mut().for_each(|value| *value += 15.0);
            }
            MetricSeries {
                id,
                service: "s".into(),
                metric: "m".into(),
                kind: MetricKind::Other,
                peers: None,
                values,
            }
        });
        Scene { start_ms: 0, step_ms: 60_000, series: series.collect(), onset, calls: vec![], symptom: None }
    }

    #[test]
    fn a_known_onset_is_taken_and_two_hours_before_it_are_usual() {
        let window = Window::of(&scene(200, 240, Onset::At(200 * 60_000)));
        assert_eq!(window, Window { usual: 80..200, incident: 200..240 });
    }

    #[test]
    fn an_incident_that_was_noticed_late_is_traced_back() {
        for minutes in [0, 2, 7, 12] {
            let window = Window::of(&scene(200, 240, Onset::Noticed((200 + minutes) * 60_000)));
            assert_eq!(window.incident, 200..240, "noticed after {minutes} minutes");
        }
    }

    #[test]
    fn an_incident_at_an_unknown_time_is_found_with_its_end() {
        assert_eq!(Window::of(&scene(150, 170, Onset::Unknown)).incident, 150..170);
    }
}
