use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_connect::prometheus::{FakeMetrics, Series};

use super::*;
use crate::chart::Theme;

const DASHBOARD: &str = include_str!("../../tests/dashboards/toyprod.json");

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_319_938 + second, 0).expect("a time")
}

fn asked() -> Asked {
    Asked {
        from: at(0),
        to: at(3600),
        width: 1000,
        height: 500,
        theme: Theme::Light,
        scrape: Duration::from_secs(15),
    }
}

fn series(labels: &[(&str, &str)], value: impl Fn(f64) -> f64) -> Series {
    let points = (0..=240_i32).map(|index| {
        let at = at(0) + TimeDelta::seconds(15 * i64::from(index));
        (at, value(f64::from(index)))
    });
    Series {
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect::<BTreeMap<_, _>>(),
        points: points.collect(),
    }
}

/// Draws a panel of the test's dashboard with one answer; also gives what was asked.
async fn drawn(id: u64, answer: Vec<Series>) -> (Drawn, Vec<String>) {
    let dashboard = Dashboard::parse(DASHBOARD).expect("a dashboard");
    let metrics = FakeMetrics::default();
    metrics.answer_range("", answer);
    let panel = dashboard.panel(id).expect("a panel");
    let drawn = draw(panel, &Variables::new(&dashboard, &[]), &metrics, &asked()).await;
    (drawn, metrics.asked().into_iter().map(|asked| asked.expr).collect())
}

#[tokio::test]
async fn a_chart_has_its_query_its_names_its_unit_and_its_threshold() {
    let answer = vec![
        series(&[("route", "/orders")], |index| 0.1 + index / 1000.0),
        series(&[("route", "/healthz")], |_| 0.005),
    ];
    let (drawn, asked) = drawn(1, answer).await;
    assert_eq!(
        asked,
        [
            r#"histogram_quantile(0.95, sum by (le, route) (rate(toyprod_request_latency_seconds_bucket{job=~".*"}[60s])))"#
        ]
    );
    assert_eq!(drawn.title, "Latency, quantile 0.95");
    for part in ["/orders", "/healthz", "340 ms", "300 ms limit", "Latency, quantile 0.95"] {
        assert!(drawn.svg.contains(part), "{part} is missing: {}", drawn.svg);
    }
    assert!(drawn.notes.is_empty() && !drawn.has_failed, "{:?}", drawn.notes);
}

#[tokio::test]
async fn a_stat_shows_each_series_in_the_panels_words_and_tones() {
    let answer = vec![series(&[("job", "toyprod")], |_| 1.0), series(&[("job", "opsseer")], |_| 0.0)];
    let (drawn, _) = drawn(3, answer).await;
    assert!(drawn.svg.contains(">up</text>") && drawn.svg.contains(">down</text>"), "{}", drawn.svg);
    assert!(drawn.svg.contains(">toyprod</text>") && drawn.svg.contains("last fired"), "{}", drawn.svg);
}

#[tokio::test]
async fn a_gauge_shows_the_number_that_the_panel_asks_for_within_its_ends() {
    let (drawn, _) = drawn(4, vec![series(&[], |index| if index < 200.0 { 0.12 } else { 0.01 })]).await;
    for part in [">12 %</text>", ">0 %</text>", ">50 %</text>", "last fired"] {
        assert!(drawn.svg.contains(part), "{part} is missing: {}", drawn.svg);
    }
}

#[tokio::test]
async fn a_table_has_labels_and_values_and_says_what_it_leaves_out() {
    let answer = (0..40).map(|index| {
        series(&[("route", &format!("/r{index:02}")), ("method", "GET")], move |_| f64::from(index))
    });
    let (drawn, asked) = drawn(5, answer.collect()).await;
    assert_eq!(asked, ["sum by (route, method) (rate(toyprod_requests_total[3600s]))"]);
    for part in [">route</text>", ">/r00</text>", ">3 /s</text>", "more rows</text>"] {
        assert!(drawn.svg.contains(part), "{part} is missing: {}", drawn.svg);
    }
    assert_eq!(drawn.notes, ["Its transformations are passed over."]);
}

#[tokio::test]
async fn what_is_not_drawn_says_so_in_its_picture() {
    for (id, words) in [(6, "piechart"), (7, "loki")] {
        let (drawn, asked) = drawn(id, vec![]).await;
        let picture = drawn.svg.split("</desc>").nth(1).expect("a picture");
        assert!(picture.contains(words) && drawn.notes[0].contains(words), "{:?}", drawn.notes);
        assert!(asked.is_empty() && !drawn.has_failed, "{asked:?}");
    }
    let (empty, _) = drawn(8, vec![]).await;
    assert!(empty.svg.contains(">no data</text>"), "{}", empty.svg);
}

#[tokio::test]
async fn a_variable_without_a_value_is_named_in_the_picture() {
    let json = r#"{"panels": [{"id": 1, "type": "stat", "targets": [{"expr": "up{job=\"$job\"}"}]}]}"#;
    let dashboard = Dashboard::parse(json).expect("a dashboard");
    let panel = dashboard.panel(1).expect("a panel");
    let drawn = draw(panel, &Variables::default(), &FakeMetrics::default(), &asked()).await;
    assert!(drawn.has_failed && drawn.svg.contains("--var job=VALUE"), "{}", drawn.svg);
}

#[tokio::test]
async fn labels_are_text_and_odd_values_break_nothing() {
    let hostile = "</text><script>alert(1)</script>\u{0}".repeat(50);
    for id in [1, 3, 4, 5, 8] {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -1e299, 0.0] {
            let (drawn, _) =
                drawn(id, vec![series(&[("job", &hostile), ("route", &hostile)], |_| value)]).await;
            assert!(!drawn.svg.contains("<script") && drawn.svg.ends_with("</svg>"), "{}", drawn.svg);
            let picture = drawn.svg.split("</desc>").nth(1).expect("a picture");
            assert!(!picture.contains("\"NaN") && !picture.contains(" NaN"), "{id} {value}: {picture}");
        }
    }
}
