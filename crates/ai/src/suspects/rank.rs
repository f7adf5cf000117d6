//! From series to services.

use std::collections::BTreeMap;

use super::{
    Direction, MetricKind, MetricSuspect, Onset, Scene, ServiceSuspect, Suspects, SuspectsVerdict,
    robust::{median, quantile},
    sentence,
};

/// Fewer values before the onset than this say nothing of what is usual.
const FEWEST: usize = 8;
/// Below this many sigmas nothing is said to have moved.
const FLOOR: f64 = 6.0;

pub(super) fn rank(scene: &Scene) -> Suspects {
    let longest = scene.series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    let onset = onset_index(scene, longest);
    let mut looked_at = 0;
    let mut by_service: BTreeMap<&str, BTreeMap<MetricKind, Vec<MetricSuspect>>> = BTreeMap::new();
    for series in &scene.series {
        let cut = onset.min(series.values.len());
        let (past, since) = series.values.split_at(cut);
        let mut past: Vec<f64> = past.iter().copied().filter(|value| value.is_finite()).collect();
        let mut since: Vec<f64> = since.iter().copied().filter(|value| value.is_finite()).collect();
        if past.len() < FEWEST || since.is_empty() {
            continue;
        }
        looked_at += 1;
        let before = median(&mut past);
        let iqr = quantile(&mut past, 0.75) - quantile(&mut past, 0.25);
        #[expect(clippy::cast_precision_loss, reason = "counts of values are far below 2^52")]
        let n = past.len() as f64;
        let mean = past.iter().sum::<f64>() / n;
        let std = (past.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
        let scale = (iqr / 1.349).max(std).max(0.02 * before.abs()).max(1e-9);
        let during = median(&mut since);
        let shift = (during - before) / scale;
        let bad = match series.kind.bad_direction() {
            Some(Direction::Up) => shift,
            Some(Direction::Down) => -shift,
            None => shift.abs(),
        };
        if bad < FLOOR {
            continue;
        }
        by_service.entry(&series.service).or_default().entry(series.kind).or_default().push(MetricSuspect {
            id: series.id,
            metric: series.metric.clone(),
            kind: series.kind,
            before,
            during,
            shift,
            onset_ms: None,
            follows: false,
            sentence: sentence::of_metric(series, before, during),
        });
    }
    let mut services = Vec::new();
    for (service, kinds) in by_service {
        let best = |metrics: &Vec<MetricSuspect>| {
            metrics.iter().map(|metric| metric.shift.abs().ln_1p()).fold(0.0, f64::max)
        };
        let score = kinds.values().map(best).sum::<f64>();
        let mut metrics: Vec<MetricSuspect> = kinds.into_values().flatten().collect();
        metrics.sort_by(|one, other| other.shift.abs().total_cmp(&one.shift.abs()));
        let because = metrics.first().map(|metric| metric.sentence.clone()).unwrap_or_default();
        services.push(ServiceSuspect { service: service.to_owned(), score, metrics, because });
    }
    let all: f64 = services.iter().map(|service| service.score).sum();
    for service in &mut services {
        service.score /= all;
    }
    services.sort_by(|one, other| other.score.total_cmp(&one.score));
    let verdict = if services.is_empty() {
        let reason = format!("None of {looked_at} series left its usual range.");
        SuspectsVerdict::NothingStandsOut { reason }
    } else {
        SuspectsVerdict::StandsOut
    };
    Suspects { services, verdict, series_looked_at: looked_at }
}

fn onset_index(scene: &Scene, longest: usize) -> usize {
    let place = |ms: i64| {
        let steps = (ms - scene.start_ms).max(0) / scene.step_ms.max(1);
        usize::try_from(steps).unwrap_or(longest)
    };
    match scene.onset {
        Onset::At(ms) => place(ms),
        Onset::Noticed(ms) => place(ms).saturating_sub(place(scene.start_ms + 5 * 60_000)),
        Onset::Unknown => longest - longest / 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suspects::MetricSeries;

    fn series(id: usize, service: &str, kind: MetricKind, values: Vec<f64>) -> MetricSeries {
        MetricSeries { id, service: service.into(), metric: "m".into(), kind, peers: None, values }
    }

    #[test]
    fn what_moved_is_named_first() {
        let quiet =
            |seed: usize| (0..60).map(move |n| f64::from(u32::try_from((n * 7 + seed) % 5).expect("small")));
        let jump =
            |seed: usize| quiet(seed).enumerate().map(|(n, v)| if n >= 50 { v + 90.0 } else { v }).collect();
        let scene = Scene {
            start_ms: 0,
            step_ms: 60_000,
            series: vec![
                series(0, "calm", MetricKind::Latency, quiet(1).collect()),
                series(7, "guilty", MetricKind::Latency, jump(2)),
            ],
            onset: Onset::At(50 * 60_000),
            calls: Vec::new(),
            symptom: None,
        };
        let found = rank(&scene);
        assert_eq!(found.verdict, SuspectsVerdict::StandsOut);
        assert_eq!(found.services.len(), 1);
        assert_eq!((found.services[0].service.as_str(), found.services[0].metrics[0].id), ("guilty", 7));
    }
}
