use super::test_data::{at, error_rate, series};
use super::*;

#[test]
fn the_picture_of_an_alert() {
    let mut chart = error_rate();
    chart.series[0].points.retain(|(at, _)| at.timestamp() % 300 == 18);
    insta::assert_snapshot!(chart.svg());
}

#[test]
fn labels_are_text_and_nothing_else() {
    let hostile = "</text><script>alert(1)</script>\u{0}\u{1b}\"'&]]>".repeat(1000);
    let hostile = hostile.as_str();
    let chart = Chart {
        title: hostile.into(),
        series: vec![series(hostile, |_| 1.0), series("b", |_| 2.0)],
        marks: vec![Mark { at: at(30), label: hostile.into(), kind: MarkKind::Fired }],
        ..error_rate()
    };
    let svg = chart.svg();
    assert!(!svg.contains("<script") && !svg.contains("]]>"), "{svg}");
    assert!(svg.chars().all(|c| c == '\n' || !c.is_control()));
    assert_eq!(svg.matches("<svg").count(), 1);
}

#[test]
fn many_series_are_counted_not_drawn() {
    let many = (0..20_u8).map(|index| series(&format!("route {index}"), move |_| f64::from(index))).collect();
    let svg = Chart { series: many, threshold: None, unit: Unit::Plain, ..error_rate() }.svg();
    assert!(svg.contains("and 12 more"));
    assert!(svg.contains("route 19") && svg.contains("route 12") && !svg.contains("route 11"));
    assert_eq!(svg.matches("class=\"s7\"").count(), 2, "the eighth line and its sample in the legend");
}

#[test]
fn says_when_there_is_nothing_to_draw() {
    for lines in [
        vec![],
        vec![series("", |_| f64::NAN)],
        vec![series("a", |_| f64::INFINITY), series("b", |_| f64::NAN)],
    ] {
        let svg = Chart { series: lines, ..error_rate() }.svg();
        assert!(svg.contains("no data in this hour"));
        assert!(svg.contains("10 % limit"), "the limit is known all the same");
        let drawn = svg.split("</desc>").nth(1).expect("a picture");
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
    }
}

#[test]
fn a_gap_is_not_bridged_and_a_lone_point_is_a_dot() {
    let gappy = series("", |minute| {
        if minute == 30 {
            0.2
        } else if (20..40).contains(&minute) {
            f64::NAN
        } else {
            0.1
        }
    });
    let svg = Chart { series: vec![gappy], ..error_rate() }.svg();
    let line =
        svg.split("class=\"line\" d=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a line");
    assert_eq!(line.matches('M').count(), 2, "{line}");
    assert_eq!(svg.matches("<circle").count(), 2, "the lone point and the end of the line");
}

#[test]
fn no_values_or_times_break_the_picture() {
    let values = [0.0, -1.0, 1e-320, 1e299, -1e299, f64::MAX, f64::MIN, f64::INFINITY, f64::NAN];
    for value in values {
        for other in values {
            for (from, to) in
                [(at(0), at(60)), (at(60), at(60)), (at(60), at(0)), (at(-5_000_000), at(5_000_000))]
            {
                let lines = vec![series("a", |minute| if minute % 2 == 0 { value } else { other })];
                let threshold = Some((other, Comparison::Below));
                let chart = Chart { from, to, series: lines, threshold, ..error_rate() };
                let svg = chart.svg();
                assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"), "{value} {other}");
                let drawn = svg.split("</desc>").nth(1).expect("a picture");
                assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{value} {other}: {drawn}");
                assert!(!chart.sentence().is_empty());
            }
        }
    }
}
