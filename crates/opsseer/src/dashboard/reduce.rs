//! A series in one number, as Grafana's `reduceOptions.calcs` names it.

use chrono::{DateTime, Utc};

/// The series' number; `None` where it has no value. An unknown name is an error that says so.
pub(super) fn reduce(calc: &str, points: &[(DateTime<Utc>, f64)]) -> Result<Option<f64>, String> {
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).filter(|value| !value.is_nan()).collect();
    let (first, last) = (values.first().copied(), values.last().copied());
    let sum: f64 = values.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "numbers of points are small")]
    let count = values.len() as f64;
    let lowest = values.iter().copied().reduce(f64::min);
    let highest = values.iter().copied().reduce(f64::max);
    Ok(match calc {
        "" | "last" | "lastNotNull" => last,
        "first" | "firstNotNull" => first,
        "min" => lowest,
        "max" => highest,
        "mean" => (count > 0.0).then(|| sum / count),
        "sum" | "total" => (count > 0.0).then_some(sum),
        "count" => Some(count),
        "range" => highest.zip(lowest).map(|(highest, lowest)| highest - lowest),
        "diff" => last.zip(first).map(|(last, first)| last - first),
        other => return Err(format!("the calculation {other:?} is not known")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_becomes_one_number() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).expect("a time");
        let points = [(at(0), 4.0), (at(1), 1.0), (at(2), 7.0), (at(3), f64::NAN)];
        for (calc, number) in [
            ("lastNotNull", 7.0),
            ("first", 4.0),
            ("min", 1.0),
            ("max", 7.0),
            ("mean", 4.0),
            ("sum", 12.0),
            ("count", 3.0),
            ("range", 6.0),
            ("diff", 3.0),
        ] {
            assert_eq!(reduce(calc, &points), Ok(Some(number)), "{calc}");
        }
        assert_eq!(reduce("mean", &[]), Ok(None));
        assert!(reduce("p99", &points).expect_err("unknown").contains("p99"));
    }
}
