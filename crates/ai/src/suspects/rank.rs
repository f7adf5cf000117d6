//! From series to services: the steps in their order.

use super::{
    MetricKind, MetricSuspect, Scene, ServiceSuspect, Suspects,
    blame::{self, Case},
    evidence::{self, Evidence, Moved},
    sentence, verdict,
    window::Window,
};

/// A metric that moved by fewer sigmas is not told.
pub(super) const MOVED: f64 = 3.0;

pub(super) fn rank(scene: &Scene) -> Suspects {
    let window = Window::of(scene);
    let mut gathered = evidence::gather(scene, &window);
    gathered.retain(|_, evidence| !evidence.moved.is_empty());
    let series_looked_at = gathered.values().map(|evidence| evidence.moved.len()).sum();
    let cases = blame::weigh(scene, &window, &gathered);
    let all: f64 = cases.iter().map(|case| case.score.max(0.0)).sum();
    let mut services: Vec<ServiceSuspect> = Vec::new();
    for case in cases.iter().take_while(|case| case.score > 0.0) {
        let metrics = metrics(scene, case, &gathered[case.service]);
        let strongest = metrics.first().map(|metric| metric.sentence.as_str());
        let because = sentence::of_service(case, strongest);
        let service = case.service.to_owned();
        services.push(ServiceSuspect { service, score: case.score / all, metrics, because });
    }
    // Below the last one with anything to tell there is only noise.
    let tells =
        |(suspect, case): (&ServiceSuspect, &Case)| !suspect.metrics.is_empty() || case.accused_by.is_some();
    services.truncate(services.iter().zip(&cases).rposition(tells).map_or(0, |last| last + 1));
    let others = cases[services.len()..].iter().map(|case| case.service.to_owned()).collect();
    let verdict = verdict::of(&cases, &gathered, scene.symptom.as_deref(), series_looked_at);
    Suspects { services, others, verdict, series_looked_at }
}

/// The metrics of a service that moved: its own first, then what follows from something else, each by its strength.
fn metrics(scene: &Scene, case: &Case, evidence: &Evidence) -> Vec<MetricSuspect> {
    let mut metrics: Vec<MetricSuspect> = Vec::new();
    let got_slow = evidence.harm(MetricKind::Latency) > MOVED.ln_1p();
    for moved in evidence.moved.iter().filter(|moved| moved.shift.sigmas.abs() >= MOVED) {
        let follows = follows(moved, case, got_slow);
        let onset_ms = moved.shift.onset.and_then(|place| i64::try_from(place).ok());
        metrics.push(MetricSuspect {
            id: moved.series.id,
            metric: moved.series.metric.clone(),
            kind: moved.series.kind,
            before: moved.shift.before,
            during: moved.shift.during,
            shift: moved.shift.sigmas,
            onset_ms: onset_ms.map(|place| scene.start_ms + place * scene.step_ms),
            follows,
            sentence: sentence::of_metric(moved, evidence, follows),
        });
    }
    metrics.sort_by(|one, other| {
        let strength =
            |metric: &MetricSuspect| metric.shift.abs() / if is_of_itself(metric.kind) { 1.0 } else { 2.0 };
        one.follows.cmp(&other.follows).then_with(|| strength(other).total_cmp(&strength(one)))
    });
    metrics
}

/// Kinds that say what is wrong; the others say what is different.
fn is_of_itself(kind: MetricKind) -> bool {
    !matches!(kind, MetricKind::Traffic | MetricKind::Other)
}

/// Whether a move is explained by another: by the service's traffic, by those it calls, or by its own slowness, which
/// keeps more requests waiting and lets fewer through.
fn follows(moved: &Moved, case: &Case, got_slow: bool) -> bool {
    if moved.sigmas.abs() < MOVED || moved.is_outgoing() {
        return true;
    }
    match moved.series.kind {
        MetricKind::Latency | MetricKind::Errors => case.follows.is_some(),
        MetricKind::Traffic | MetricKind::Cpu => got_slow && moved.shift.sigmas < 0.0,
        MetricKind::Saturation => got_slow,
        MetricKind::Memory | MetricKind::Restarts | MetricKind::Other => false,
    }
}
