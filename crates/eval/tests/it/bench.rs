use std::time::Duration;

use opsseer_eval::bench::{self, BenchReport, Plan, Target};

use crate::stand_in::{self, Fault};

async fn run(fault: Fault) -> BenchReport {
    let plan = Plan {
        senders: vec![4, 1],
        rounds: 2,
        warm_up: Duration::from_millis(5),
        measured: Duration::from_millis(50),
    };
    let server = Target { name: "it", url: stand_in::start(fault).await, pid: None };
    bench::run(&plan, &[server], None, |_| {}).await.expect("the benchmark runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_alert_is_looked_for() {
    let report = run(Fault::None).await;
    let kept = &report.kept[0];
    assert!(kept.acknowledged > 0);
    assert_eq!((kept.kept, kept.lost, kept.kept_twice, kept.rows_of_repeated), (kept.acknowledged, 0, 0, 1));
    let loads: Vec<_> =
        report.figures.iter().map(|figure| (figure.name.as_str(), figure.senders, figure.wrong)).collect();
    assert_eq!(
        loads,
        [
            ("webhook, new alerts, it", 4, 0),
            ("/healthz", 4, 0),
            ("webhook, new alerts, it", 1, 0),
            ("/healthz", 1, 0),
            ("webhook, same alert, it", 4, 0),
        ]
    );
    assert!(report.figures[0].ratio_to_healthz.is_some() && report.figures[1].ratio_to_healthz.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_that_were_answered_and_not_kept_make_the_figures_worthless() {
    let report = run(Fault::LosesEveryFifth).await;
    assert!(report.kept[0].lost > 0);
    assert_eq!(report.kept[0].acknowledged, report.kept[0].kept + report.kept[0].lost);
    let lost = format!("it: {} alerts were answered with 202 and are not there", report.kept[0].lost);
    assert!(report.faults().contains(&lost), "{:?}", report.faults());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_another_status_is_not_counted_as_work_done() {
    let report = run(Fault::Overloaded).await;
    let webhook = &report.figures[0];
    assert!(webhook.wrong > 0 && webhook.per_second_max.abs() < f64::EPSILON);
    assert!(webhook.first_wrong.as_deref().is_some_and(|first| first.starts_with("HTTP/1.1 503")));
    assert_eq!(report.kept[0].acknowledged, 0);
    assert!(!report.faults().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_reached_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let plan =
        Plan { senders: vec![1], rounds: 1, warm_up: Duration::ZERO, measured: Duration::from_millis(1) };
    let target =
        Target { name: "it", url: format!("http://{address}").parse().expect("an address"), pid: None };
    let error = bench::run(&plan, &[target], None, |_| {}).await.expect_err("nobody listens");
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
}
