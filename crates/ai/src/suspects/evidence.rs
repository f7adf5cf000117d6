//! What the series of each service say: how unusual they became, by kind of metric.

use std::collections::BTreeMap;

use super::{
    Direction, MetricKind, MetricSeries, Scene,
    kind::{ceiling, is_outgoing, is_request_rate},
    robust::{finite, mean, median},
    shift::{self, Shift},
    window::Window,
};

/// A move in the direction that is not bad still says something: a service that fails at once is fast.
const HARMLESS_SIDE: f64 = 0.7;

/// A series and what became of it.
#[derive(Debug)]
pub(super) struct Moved<'a> {
    pub(super) series: &'a MetricSeries,
    pub(super) shift: Shift,
    /// Sigmas of the move that the service's own traffic does not explain; signed.
    pub(super) sigmas: f64,
}

impl Moved<'_> {
    /// The weight of the move: its logarithm, because ten sigmas are not ten times as suspicious as one.
    fn evidence(&self) -> f64 {
        let side = if self.is_bad() { 1.0 } else { HARMLESS_SIDE };
        self.sigmas.abs().ln_1p() * side
    }

    /// Whether it moved in a direction that is bad, or its kind has none.
    pub(super) fn is_bad(&self) -> bool {
        match self.series.kind.bad_direction(&self.series.metric) {
            None => true,
            Some(Direction::Up) => self.sigmas >= 0.0,
            Some(Direction::Down) => self.sigmas <= 0.0,
        }
    }

    /// The weight of the move if it is bad, else 0.
    fn bad_evidence(&self) -> f64 {
        if self.is_bad() { self.evidence() } else { 0.0 }
    }

    /// Whether callers are served worse by at least so many sigmas.
    pub(super) fn harms_by(&self, sigmas: f64) -> bool {
        matches!(self.series.kind, MetricKind::Latency | MetricKind::Errors)
            && self.is_bad()
            && self.sigmas.abs() >= sigmas
    }

    pub(super) fn is_outgoing(&self) -> bool {
        is_outgoing(&self.series.metric)
    }
}

/// All that is known of a service.
#[derive(Debug, Default)]
pub(super) struct Evidence<'a> {
    pub(super) moved: Vec<Moved<'a>>,
    /// The requests it gets, if a series counts them.
    pub(super) traffic: Option<&'a [f64]>,
}

impl Evidence<'_> {
    /// What speaks against the service: the mean of each kind of metric, summed over the kinds. Many series of one kind
    /// are one witness; a service that is sick in itself is so in several kinds.
    pub(super) fn total(&self) -> f64 {
        let own = self.moved.iter().filter(|moved| !moved.is_outgoing());
        let kinds = by_kind(own.map(|moved| (moved, moved.evidence())));
        kinds.into_iter().map(|(kind, evidence)| evidence * weight(kind)).sum()
    }

    /// How much slower the services became that this one calls, as it sees it.
    pub(super) fn outgoing(&self) -> f64 {
        let slow = |moved: &&Moved| moved.is_outgoing() && moved.series.kind == MetricKind::Latency;
        by_kind(self.moved.iter().filter(slow).map(|moved| (moved, moved.bad_evidence()))).into_values().sum()
    }

    /// How much worse those who call this service are served, in metrics of this kind.
    pub(super) fn harm(&self, kind: MetricKind) -> f64 {
        let of_kind = |moved: &&Moved| !moved.is_outgoing() && moved.series.kind == kind;
        by_kind(self.moved.iter().filter(of_kind).map(|moved| (moved, moved.bad_evidence())))
            .into_values()
            .sum()
    }

    /// Whether slow calls that this service makes can be felt by those who call it: its own answers got worse by so many
    /// sigmas, or nothing is known of them.
    pub(super) fn lets_feel(&self, sigmas: f64) -> bool {
        let is_answer = |moved: &&Moved| {
            !moved.is_outgoing() && matches!(moved.series.kind, MetricKind::Latency | MetricKind::Errors)
        };
        let mut answers = self.moved.iter().filter(is_answer).peekable();
        answers.peek().is_none() || answers.any(|moved| moved.harms_by(sigmas))
    }

    /// Whether something is known of it besides what its callers see.
    pub(super) fn has_insides(&self) -> bool {
        self.moved.iter().any(|moved| !matches!(moved.series.kind, MetricKind::Latency | MetricKind::Errors))
    }
}

/// The mean of the evidence of each kind of metric.
fn by_kind<'a>(evidence: impl Iterator<Item = (&'a Moved<'a>, f64)>) -> BTreeMap<MetricKind, f64> {
    // Instances of one metric are one witness: the one that moved alone says as much as all of them.
    let mut witnesses: BTreeMap<(MetricKind, &str), f64> = BTreeMap::new();
    for (moved, evidence) in evidence {
        let name = moved.series.peers.as_deref().unwrap_or(&moved.series.metric);
        let strongest = witnesses.entry((moved.series.kind, name)).or_default();
        *strongest = strongest.max(evidence);
    }
    let mut kinds: BTreeMap<MetricKind, Vec<f64>> = BTreeMap::new();
    for ((kind, _), evidence) in witnesses {
        kinds.entry(kind).or_default().push(evidence);
    }
    kinds.into_iter().map(|(kind, all)| (kind, mean(&all))).collect()
}

/// What is wrong says more than what is merely different.
fn weight(kind: MetricKind) -> f64 {
    match kind {
        MetricKind::Traffic | MetricKind::Other => 0.5,
        _ => 1.0,
    }
}

/// Looks at every series. Those with too few values are left out; a service all of whose series are so has no evidence.
pub(super) fn gather<'a>(scene: &'a Scene, window: &Window) -> BTreeMap<&'a str, Evidence<'a>> {
    let mut services: BTreeMap<&str, Evidence> = BTreeMap::new();
    for series in &scene.series {
        let service = services.entry(&series.service).or_default();
        if is_request_rate(series.kind, &series.metric) {
            service.traffic = Some(busier(service.traffic, &series.values));
        }
    }
    for series in &scene.series {
        let Some(service) = services.get_mut(series.service.as_str()) else { continue };
        let ceiling = ceiling(series.kind, &series.metric, &series.values);
        let shift = shift::measure(&series.values, &window.usual, &window.incident, ceiling);
        let Some(shift) = shift else { continue };
        let sigmas = unexplained(series, &shift, service.traffic, window);
        service.moved.push(Moved { series, shift, sigmas });
    }
    services
}

/// Of two counts of requests the one that counts more: the others are parts of it.
fn busier<'a>(one: Option<&'a [f64]>, other: &'a [f64]) -> &'a [f64] {
    let level = |values: &[f64]| median(&mut finite(values));
    match one {
        Some(one) if level(one) >= level(other) => one,
        _ => other,
    }
}

/// Work and traffic go together. A move that the number of requests explains says nothing of the service itself.
fn unexplained(series: &MetricSeries, shift: &Shift, traffic: Option<&[f64]>, window: &Window) -> f64 {
    let is_driven = matches!(
        series.kind,
        MetricKind::Cpu | MetricKind::Saturation | MetricKind::Traffic | MetricKind::Other
    ) && !is_request_rate(series.kind, &series.metric);
    let Some(traffic) = traffic.filter(|_| is_driven) else { return shift.sigmas };
    shift::without_traffic(&series.values, traffic, &window.usual)
        .and_then(|rest| shift::measure(&rest, &window.usual, &window.incident, None))
        .map_or(shift.sigmas, |rest| rest.sigmas)
}
