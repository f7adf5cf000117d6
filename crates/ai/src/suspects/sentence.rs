//! What moved, in words.

use super::{blame::Case, evidence::Evidence, evidence::Moved};

/// What one metric did: "latency rose from 0.05 to 0.8, 17 times its usual spread".
pub(super) fn of_metric(moved: &Moved, evidence: &Evidence, follows: bool) -> String {
    let shift = &moved.shift;
    let verb = if shift.during >= shift.before { "rose" } else { "fell" };
    let size = shift.sigmas.abs();
    let size = if size >= super::shift::FARTHEST { "over 100".to_owned() } else { format!("{size:.0}") };
    let mut text = format!(
        "{} {verb} from {} to {}, {size} times its usual spread",
        moved.series.metric,
        number(shift.before),
        number(shift.during)
    );
    if let Some(peers) = of_peers(moved, evidence) {
        text.push_str(&peers);
    }
    if follows {
        text.push_str("; that follows from the rest");
    }
    text
}

/// Whether the other instances moved too.
fn of_peers(moved: &Moved, evidence: &Evidence) -> Option<String> {
    let group = moved.series.peers.as_ref()?;
    let peers = evidence.moved.iter().filter(|other| other.series.peers.as_ref() == Some(group));
    let peers: Vec<&Moved> = peers.filter(|other| other.series.id != moved.series.id).collect();
    let with =
        |other: &&&Moved| other.sigmas * moved.sigmas > 0.0 && other.sigmas.abs() >= super::rank::MOVED;
    match (peers.iter().filter(with).count(), peers.len()) {
        (_, 0) => None,
        (0, 1) => Some("; the other instance did not".to_owned()),
        (0, all) => Some(format!("; its {all} other instances did not")),
        (some, all) if some == all => Some("; so did all other instances".to_owned()),
        (some, all) => Some(format!("; so did {some} of {all} other instances")),
    }
}

/// Why a service stands where it stands.
pub(super) fn of_service(case: &Case, strongest: Option<&str>) -> String {
    let told = strongest.map(str::to_owned);
    match (told, case.follows, case.accused_by) {
        (Some(told), Some(callee), _) => format!("{told}; {callee}, which it calls, is in trouble too."),
        (Some(told), None, Some(caller)) => format!("{told}; calls that {caller} makes became slow."),
        (Some(told), None, None) => format!("{told}."),
        (None, _, Some(caller)) => {
            format!("Calls that {caller} makes became slow, and it may be among those who are called.")
        }
        (None, _, None) => "Several of its metrics moved a little.".to_owned(),
    }
}

/// A number as a person would write it: three digits that count.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else if size >= 0.001 {
        let digits = if size >= 0.1 {
            3
        } else if size >= 0.01 {
            4
        } else {
            5
        };
        format!("{value:.digits$}").trim_end_matches('0').to_owned()
    } else {
        format!("{value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_that_count() {
        let written = [1234.5, 45.67, 2.34567, 0.25, 0.0123, 0.0, 0.000_012_3].map(number);
        assert_eq!(written, ["1234", "45.7", "2.35", "0.25", "0.0123", "0", "1.23e-5"]);
    }
}
