//! Charts that the tests draw.

use super::*;

/// Minutes after 02:12:18 UTC.
pub(super) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_319_938 + minute * 60, 0).expect("a time")
}

pub(super) fn series(name: &str, value: impl Fn(i64) -> f64) -> ChartSeries {
    ChartSeries {
        name: name.to_owned(),
        points: (0..=60).map(|minute| (at(minute), value(minute))).collect(),
    }
}

/// 1 % until minute 45, then up to 42 %; fired at minute 57.
pub(super) fn error_rate() -> Chart {
    let value = |minute: i64| {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let since = (minute - 45).max(0) as f64;
        0.012 + 0.41 * (1.0 - (-since / 4.0).exp()) + if minute % 3 == 0 { 0.004 } else { 0.0 }
    };
    Chart {
        title: "toyprod: error rate above 10 %".into(),
        unit: Unit::Ratio,
        from: at(0),
        to: at(60),
        series: vec![series("", value)],
        threshold: Some((0.1, Comparison::Above)),
        marks: vec![
            Mark { at: at(44), label: "deploy 1.42".into(), kind: MarkKind::Change },
            Mark { at: at(48), label: "fired".into(), kind: MarkKind::Fired },
        ],
    }
}
