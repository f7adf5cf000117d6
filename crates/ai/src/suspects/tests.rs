//! Scenes that an operator would recognise.

use super::*;

/// Steady noise around a level, about 6 % of it; the same each time.
pub(super) fn noise(seed: usize, length: usize, level: f64) -> Vec<f64> {
    let mut state = u64::try_from(seed).unwrap_or(0).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = u32::try_from(state >> 32).expect("32 bits are left");
        f64::from(high) / f64::from(u32::MAX) - 0.5
    };
    (0..length).map(|_| level * (1.0 + 0.06 * (next() + next() + next() + next()) / 0.577)).collect()
}

/// Three hours in steps of 15 s; the trouble begins after two hours and a half.
const LENGTH: usize = 720;
const FROM: usize = 600;
const FROM_MS: i64 = 600 * 15_000;

/// A scene of series with their level before and since.
fn scene(series: &[(&str, &str, f64, f64)]) -> Scene {
    let series = series.iter().enumerate().map(|(id, &(service, metric, before, since))| {
        let mut values = noise(id, LENGTH, before);
        values[FROM..].copy_from_slice(&noise(id + 1_000, LENGTH - FROM, since));
        let kind = MetricKind::of_name(metric);
        MetricSeries { id, service: service.into(), metric: metric.into(), kind, peers: None, values }
    });
    let noticed = FROM_MS + 150_000;
    Scene {
        start_ms: 0,
        step_ms: 15_000,
        series: series.collect(),
        onset: Onset::Noticed(noticed),
        calls: Vec::new(),
        symptom: None,
    }
}

fn names(found: &Suspects) -> Vec<&str> {
    found.services.iter().map(|one| one.service.as_str()).collect()
}

#[test]
fn a_slow_service_is_named_by_its_own_latency_not_by_what_follows() {
    let found = RobustSuspector.rank(&scene(&[
        ("toyprod", "rate of toyprod_requests_total", 50.0, 20.0),
        ("toyprod", "toyprod_requests_in_flight", 2.0, 14.0),
        ("toyprod", "process_cpu_seconds", 0.2, 0.1),
        ("toyprod", "p95 of toyprod_request_latency_seconds", 0.02, 0.7),
        ("opsseer", "process_cpu_seconds", 0.05, 0.07),
        ("opsseer", "opsseer_requests_total", 3.0, 3.5),
    ]));
    assert_eq!(found.verdict, SuspectsVerdict::StandsOut);
    let first = &found.services[0];
    assert_eq!(first.service, "toyprod");
    assert_eq!((first.metrics[0].kind, first.metrics[0].follows), (MetricKind::Latency, false), "{first:?}");
    assert!(first.metrics[1..].iter().all(|metric| metric.follows), "{first:?}");
    let onset = first.metrics[0].onset_ms.expect("it is clear");
    assert_eq!(onset, FROM_MS);
    assert!(first.because.contains("rose from 0.02 to 0.7"), "{}", first.because);
}

#[test]
fn nobody_is_accused_in_quiet_times() {
    let quiet: Vec<(&str, &str, f64, f64)> =
        ["a", "b", "c"].into_iter().flat_map(|s| [(s, "latency", 0.1, 0.1), (s, "cpu", 2.0, 2.0)]).collect();
    let found = RobustSuspector.rank(&scene(&quiet));
    let SuspectsVerdict::NothingStandsOut { reason } = &found.verdict else { panic!("{found:?}") };
    assert!(reason.contains("largest move of 6 series"), "{reason}");
    let none = RobustSuspector.rank(&scene(&[]));
    assert!(matches!(none.verdict, SuspectsVerdict::NothingStandsOut { .. }) && none.services.is_empty());
}

#[test]
fn more_work_accuses_nobody_but_less_of_it_may() {
    let verdict = |since| {
        let scene = scene(&[("web", "requests", 50.0, since), ("web", "latency", 0.1, 0.1)]);
        RobustSuspector.rank(&scene).verdict
    };
    assert_ne!(verdict(150.0), SuspectsVerdict::StandsOut);
    assert_eq!(verdict(5.0), SuspectsVerdict::StandsOut);
}

#[test]
fn what_moved_for_the_better_accuses_nobody() {
    let better = [
        ("db", "node_memory_MemAvailable_bytes", 50.0, 150.0),
        ("db", "latency", 0.5, 0.1),
        ("db", "success_ratio", 0.5, 0.9),
    ];
    assert_ne!(RobustSuspector.rank(&scene(&better)).verdict, SuspectsVerdict::StandsOut);
}

#[test]
fn slow_calls_that_nobody_feels_are_no_incident() {
    let verdict = |answers| {
        let scene = scene(&[("mail", "http_client_latency", 0.005, 0.02), ("mail", "latency", 0.1, answers)]);
        RobustSuspector.rank(&scene).verdict
    };
    assert_ne!(verdict(0.1), SuspectsVerdict::StandsOut);
    assert_eq!(verdict(0.14), SuspectsVerdict::StandsOut);
}

#[test]
fn a_few_failures_among_many_successes_are_seen() {
    let mut scene = scene(&[
        ("shop", "availability", 0.1, 3.0),
        ("shop", "latency", 0.1, 0.1),
        ("mail", "availability", 0.1, 0.1),
        ("mail", "latency", 0.1, 0.12),
    ]);
    for series in scene.series.iter_mut().filter(|series| series.metric == "availability") {
        series.values.iter_mut().for_each(|failed| *failed = 100.0 - *failed);
    }
    let found = RobustSuspector.rank(&scene);
    assert_eq!((names(&found)[0], &found.verdict), ("shop", &SuspectsVerdict::StandsOut), "{found:?}");
}

#[test]
fn the_second_incident_in_an_hour_is_one_too() {
    let mut scene = scene(&[("toyprod", "latency", 0.1, 0.9), ("toyprod", "cpu", 1.0, 1.0)]);
    scene.series[0].values[360..480].copy_from_slice(&noise(9, 120, 0.9));
    assert_ne!(RobustSuspector.rank(&scene).verdict, SuspectsVerdict::StandsOut, "it does that");
    scene.symptom = Some("toyprod".to_owned());
    assert_eq!(RobustSuspector.rank(&scene).verdict, SuspectsVerdict::StandsOut);
}

#[test]
fn trouble_is_traced_along_the_calls_to_the_one_who_made_it() {
    let mut scene = scene(&[
        ("web", "latency", 0.3, 2.9),
        ("web", "requests", 50.0, 50.0),
        ("shop", "latency", 0.2, 2.8),
        ("shop", "requests", 40.0, 40.0),
        ("db", "latency", 0.1, 2.7),
        ("db", "requests", 30.0, 30.0),
        ("elsewhere", "latency", 0.1, 2.7),
        ("elsewhere", "requests", 30.0, 30.0),
    ]);
    scene.calls =
        [("web", "shop"), ("shop", "db")].map(|(from, to)| (from.to_owned(), to.to_owned())).to_vec();
    scene.symptom = Some("web".to_owned());
    let found = RobustSuspector.rank(&scene);
    assert_eq!(names(&found)[0], "db", "{found:?}");
    let shop = found.services.iter().find(|one| one.service == "shop");
    assert!(shop.is_none_or(|shop| shop.metrics[0].follows && shop.because.contains("db")), "{shop:?}");
}

#[test]
fn more_work_because_of_more_requests_is_no_fault() {
    let mut scene = scene(&[("busy", "requests", 50.0, 110.0), ("busy", "cpu", 1.0, 1.0)]);
    let cpu: Vec<f64> =
        scene.series[0].values.iter().zip(noise(77, LENGTH, 1.0)).map(|(r, e)| r * 0.02 * e).collect();
    scene.series[1].values = cpu;
    let found = RobustSuspector.rank(&scene);
    let cpu = found.services[0].metrics.iter().find(|metric| metric.kind == MetricKind::Cpu);
    assert!(cpu.is_some_and(|cpu| cpu.follows), "{found:?}");
}

#[test]
fn the_one_instance_that_moved_is_told_from_its_peers() {
    let mut scene = scene(&[
        ("api", "latency on a", 0.1, 0.9),
        ("api", "latency on b", 0.1, 0.1),
        ("api", "latency on c", 0.1, 0.1),
    ]);
    for series in &mut scene.series {
        series.peers = Some("latency".to_owned());
    }
    let found = RobustSuspector.rank(&scene);
    assert_eq!(found.services[0].metrics.len(), 1, "{found:?}");
    assert!(found.services[0].because.contains("its 2 other instances did not"), "{found:?}");
}

#[test]
fn odd_input_is_no_reason_to_fail() {
    let mut scene = scene(&[("a", "latency", 0.1, 0.9), ("b", "cpu", 1.0, 1.0)]);
    scene.series[1].values = vec![f64::INFINITY, f64::NAN];
    for onset in
        [Onset::At(-5), Onset::At(i64::MAX), Onset::Noticed(0), Onset::Noticed(i64::MAX), Onset::Unknown]
    {
        scene.onset = onset;
        for step_ms in [15_000, 0, -1] {
            scene.step_ms = step_ms;
            assert!(RobustSuspector.rank(&scene).series_looked_at <= 1);
        }
    }
}
