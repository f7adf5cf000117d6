//! Whether anything stands out at all.

use std::collections::BTreeMap;

use super::{
    MetricKind, SuspectsVerdict,
    blame::Case,
    evidence::{Evidence, Moved},
    rank::MOVED,
};

/// A metric stands out from this many sigmas on.
const STANDS_OUT: f64 = 5.0;

/// It must also go this much farther than its own habit.
const BEYOND_HABIT: f64 = 1.5;

/// The verdict on these cases. `symptom` is the service that somebody was alerted about: that it is slow or fails is no
/// habit, even if it did so an hour ago.
pub(super) fn of(
    cases: &[Case],
    services: &BTreeMap<&str, Evidence>,
    symptom: Option<&str>,
    looked_at: usize,
) -> SuspectsVerdict {
    if looked_at == 0 {
        return nothing("No series has enough values before and since.".to_owned());
    }
    let all = || cases.iter().flat_map(|case| &services[case.service].moved);
    let shows = |moved: &Moved| symptom == Some(moved.series.service.as_str()) && moved.harms_by(STANDS_OUT);
    let is_felt =
        |moved: &Moved| !moved.is_outgoing() || services[moved.series.service.as_str()].lets_feel(MOVED);
    if all().any(|moved| stands_out(moved) && is_felt(moved) || shows(moved)) {
        return SuspectsVerdict::StandsOut;
    }
    let farthest = all().max_by(|one, other| one.sigmas.abs().total_cmp(&other.sigmas.abs()));
    nothing(match farthest {
        Some(moved) => format!(
            "The largest move of {looked_at} series, {} of {}, is {:.1} times its usual spread: in quiet times series do that too.",
            moved.series.metric,
            moved.series.service,
            moved.sigmas.abs()
        ),
        None => format!("None of {looked_at} series moved."),
    })
}

/// Whether a metric moved farther than it does in quiet times, in a direction that is bad, and neither because of the
/// service's traffic nor only beside it. More traffic is nobody's fault; less of it may be the first sign of one.
fn stands_out(moved: &Moved) -> bool {
    let is_more_work = moved.series.kind == MetricKind::Traffic && moved.shift.sigmas > 0.0;
    let sigmas = moved.sigmas.abs().min(moved.shift.sigmas.abs());
    moved.is_bad() && !is_more_work && sigmas >= STANDS_OUT.max(BEYOND_HABIT * moved.shift.habit)
}

fn nothing(reason: String) -> SuspectsVerdict {
    SuspectsVerdict::NothingStandsOut { reason }
}
