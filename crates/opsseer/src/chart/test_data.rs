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
        forecast: None,
    }
}

/// Memory that grows by 5 MiB a minute from minute 15 on, and where that leads within 45 minutes.
pub(super) fn leak() -> Chart {
    const MIB: f64 = 1_048_576.0;
    let minutes = |minute: i64| f64::from(i32::try_from(minute).expect("a small number"));
    let grown = move |minute: i64| {
        let wobble = [0.0, 6.0, -3.0, 2.0, -5.0][usize::try_from(minute % 5).expect("positive")];
        (600.0 + 5.0 * minutes((minute - 15).max(0)) + wobble) * MIB
    };
    let ahead = || (61..=105).map(|minute| (minute, 834.0 + 5.2 * minutes(minute - 60)));
    let edge = |factor: f64| {
        let far = |(minute, value): (i64, f64)| (value + factor * (8.0 + 3.0 * minutes(minute - 60))) * MIB;
        ahead().map(far).collect::<Vec<f64>>()
    };
    Chart {
        title: "toyprod: memory against its limit".into(),
        unit: Unit::Bytes,
        from: at(0),
        to: at(60),
        series: vec![series("", grown)],
        threshold: Some((1024.0 * MIB, Comparison::Above)),
        marks: vec![
            Mark { at: at(15), label: "deploy 1.43".into(), kind: MarkKind::Change },
            Mark { at: at(97), label: "limit, about 03:49".into(), kind: MarkKind::Expected },
        ],
        forecast: Some(ForecastBand {
            name: String::new(),
            points: ahead().map(|(minute, value)| (at(minute), value * MIB)).collect(),
            low80: edge(-0.94),
            high80: edge(0.94),
            low95: edge(-1.34),
            high95: edge(1.34),
        }),
    }
}
