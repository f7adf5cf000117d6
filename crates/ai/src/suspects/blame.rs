//! Who is to blame for what is seen elsewhere: trouble travels from the called to the caller.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    MetricKind, Scene,
    evidence::Evidence,
    robust::rank_correlation,
    window::{Window, within},
};

/// The share of a caller's unexplained trouble that is passed on to those whom it calls.
const PASSED_ON: f64 = 0.5;

/// What the service in trouble does not call, however indirectly, counts for this much.
const OUT_OF_REACH: f64 = 0.5;

/// What is only looked at from outside, such as the whole as a probe sees it, counts for this much where others show
/// their insides: it is where trouble is seen.
const ONLY_A_VIEW: f64 = 0.25;

/// A service is said to follow from another whose trouble explains at least this share of its own.
const FOLLOWS: f64 = 0.5;

/// From this much on a caller's accusation is worth a word.
const ACCUSED: f64 = 0.5;

/// A service's case.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case<'a> {
    pub(super) service: &'a str,
    /// All evidence together; may be below 0 where others explain more than was seen.
    pub(super) score: f64,
    /// The service whose trouble explains this one's, if one does.
    pub(super) follows: Option<&'a str>,
    /// The caller whose slow calls speak against this one, if any does.
    pub(super) accused_by: Option<&'a str>,
}

/// The cases of all services, the strongest first.
pub(super) fn weigh<'a>(
    scene: &'a Scene,
    window: &Window,
    services: &BTreeMap<&'a str, Evidence<'a>>,
) -> Vec<Case<'a>> {
    let calls = Calls::of(scene, window, services);
    let mut cases: BTreeMap<&str, Case> = BTreeMap::new();
    for (&service, evidence) in services {
        let (explained, follows) = explained(service, evidence, services, &calls);
        let score = evidence.total() - explained;
        cases.insert(service, Case { service, score, follows, accused_by: None });
    }
    for (&caller, evidence) in services {
        for (&callee, weight) in calls.from(caller) {
            let Some(called) = services.get(callee) else { continue };
            let passed = PASSED_ON * weight * (evidence.outgoing() - called.outgoing()).max(0.0);
            if let Some(case) = cases.get_mut(callee).filter(|_| passed > 0.0) {
                case.score += passed;
                if passed > ACCUSED {
                    case.accused_by = Some(caller);
                }
            }
        }
    }
    let within_reach = scene.symptom.as_deref().filter(|_| calls.known).map(|symptom| calls.reach(symptom));
    let have_insides =
        services.values().filter(|evidence| evidence.has_insides()).count() * 2 > services.len();
    let mut cases: Vec<Case> = cases.into_values().collect();
    for case in &mut cases {
        let is_out_of_reach = within_reach.as_ref().is_some_and(|reach| !reach.contains(case.service));
        let is_a_view = have_insides && !services[case.service].has_insides();
        case.score *= if is_out_of_reach { OUT_OF_REACH } else { 1.0 };
        case.score *= if is_a_view { ONLY_A_VIEW } else { 1.0 };
    }
    cases
        .sort_by(|one, other| other.score.total_cmp(&one.score).then_with(|| one.service.cmp(other.service)));
    cases
}

/// How much of a service's trouble that of those whom it calls explains, and whose.
fn explained<'a>(
    service: &'a str,
    evidence: &Evidence,
    services: &BTreeMap<&'a str, Evidence<'a>>,
    calls: &Calls<'a>,
) -> (f64, Option<&'a str>) {
    let mut most = (evidence.outgoing().min(evidence.total()), None);
    if !calls.known {
        return most;
    }
    let own = |kind| evidence.harm(kind);
    let (latency, errors) = (own(MetricKind::Latency), own(MetricKind::Errors));
    for &callee in calls.from(service).keys() {
        let Some(called) = services.get(callee) else { continue };
        let shared =
            latency.min(called.harm(MetricKind::Latency)) + errors.min(called.harm(MetricKind::Errors));
        if shared > most.0 || most.1.is_none() && shared > ACCUSED {
            let follows = (shared >= FOLLOWS * (latency + errors)).then_some(callee);
            most = (shared.max(most.0), follows);
        }
    }
    most
}

/// Who calls whom.
#[derive(Debug)]
struct Calls<'a> {
    /// Of each caller those whom it calls, each with a weight from 0 to 1.
    callees: BTreeMap<&'a str, BTreeMap<&'a str, f64>>,
    /// Whether this was told; otherwise it is a guess.
    known: bool,
}

static NOBODY: BTreeMap<&str, f64> = BTreeMap::new();

impl<'a> Calls<'a> {
    fn of(scene: &'a Scene, window: &Window, services: &BTreeMap<&'a str, Evidence<'a>>) -> Self {
        let mut callees: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
        for (caller, callee) in scene.calls.iter().filter(|(caller, callee)| caller != callee) {
            callees.entry(caller).or_default().insert(callee, 1.0);
        }
        let known = !callees.is_empty();
        if !known && services.values().any(|evidence| evidence.outgoing() > ACCUSED) {
            callees = guess(window, services);
        }
        Self { callees, known }
    }

    fn from(&self, caller: &str) -> &BTreeMap<&'a str, f64> {
        self.callees.get(caller).unwrap_or(&NOBODY)
    }

    /// The symptom's service and all that it calls, however indirectly.
    fn reach(&self, symptom: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::from([symptom]);
        let mut open = vec![symptom];
        while let Some(caller) = open.pop() {
            open.extend(self.from(caller).keys().copied().filter(|callee| reached.insert(callee)));
        }
        reached
    }
}

/// Where nobody says who calls whom: services whose numbers of requests rise and fall together may call each other. The
/// weight is the square of the correlation, relative to that of the likeliest.
fn guess<'a>(
    window: &Window,
    services: &BTreeMap<&'a str, Evidence<'a>>,
) -> BTreeMap<&'a str, BTreeMap<&'a str, f64>> {
    let traffic = |evidence: &Evidence<'a>| evidence.traffic.map(|values| within(values, &window.usual));
    let mut callees: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for (&caller, evidence) in services.iter().filter(|(_, evidence)| evidence.outgoing() > ACCUSED) {
        let Some(own) = traffic(evidence) else { continue };
        let mut weights = BTreeMap::new();
        for (&callee, called) in services.iter().filter(|(callee, _)| **callee != caller) {
            if let Some(theirs) = traffic(called) {
                weights.insert(callee, rank_correlation(own, theirs).max(0.0).powi(2));
            }
        }
        let most = weights.values().copied().fold(0.0, f64::max);
        if most > 0.0 {
            for weight in weights.values_mut() {
                *weight /= most;
            }
            callees.insert(caller, weights);
        }
    }
    callees
}
