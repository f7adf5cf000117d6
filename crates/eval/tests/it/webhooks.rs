use opsseer_eval::{Report, webhooks};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stand_in::{self, Fault};

/// A data folder with these bodies, `0.json`, `1.json` and so on, all from Alertmanager.
fn data(bodies: &[Value]) -> TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut index = Vec::new();
    for (i, body) in bodies.iter().enumerate() {
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        std::fs::write(folder.path().join(format!("{i}.json")), text).expect("write");
        index.push(json!({"file": format!("{i}.json"), "kind": "alertmanager", "odd": []}).to_string());
    }
    std::fs::write(folder.path().join("index.jsonl"), index.join("\n")).expect("write");
    folder
}

fn alert(name: &str, status: &str) -> Value {
    json!({"status": status, "labels": {"alertname": name}, "annotations": {}})
}

fn body(alerts: &[Value]) -> Value {
    json!({"version": "4", "alerts": alerts})
}

/// Five bodies: one of three alerts, a repeated one, its end, one that is not JSON, one without alerts.
fn everything() -> TempDir {
    data(&[
        body(&[alert("A", "firing"), alert("B", "firing"), alert("C", "firing")]),
        body(&[alert("A", "firing")]),
        body(&[alert("A", "resolved")]),
        json!("{ not json"),
        json!({"alerts": null}),
    ])
}

async fn run(data: &TempDir, fault: Fault) -> webhooks::WebhooksReport {
    let server = stand_in::start(fault).await;
    webhooks::run(data.path(), &server).await.expect("the suite runs")
}

#[tokio::test]
async fn a_right_server_passes_and_every_alert_is_counted() {
    let report = run(&everything(), Fault::None).await;
    assert_eq!(report.faults(), [""; 0]);
    assert_eq!((report.n, report.sent, report.accepted), (5, 5, 3));
    assert_eq!((report.rejected_4xx, report.errors_5xx, report.refused_without_reason), (2, 0, 0));
    assert_eq!((report.alerts_sent, report.alerts_accepted, report.alerts_kept), (5, 5, 5));
    assert_eq!((report.alerts_different, report.alerts_at_end), (3, 3));
    assert_eq!(report.refused[0].reason.as_deref(), Some("the body has no list `alerts`"));
}

#[tokio::test]
async fn an_alert_that_is_lost_is_named_with_its_file() {
    let report = run(&everything(), Fault::KeepsFirstOnly).await;
    let lost: Vec<_> = report.lost.iter().map(|lost| (lost.file.as_str(), lost.alert.as_str())).collect();
    assert_eq!(lost, [("0.json", r#"{alertname="B"}"#), ("0.json", r#"{alertname="C"}"#)]);
    assert_eq!((report.alerts_accepted, report.alerts_kept), (5, 3));
    assert_eq!(report.faults().len(), 2);
}

#[tokio::test]
async fn an_alert_that_is_lost_later_is_found_out_at_the_end() {
    let bodies = [body(&[alert("A", "firing")]), body(&[alert("B", "firing")])];
    let report = run(&data(&bodies), Fault::Forgets).await;
    assert_eq!(report.alerts_kept, 2);
    assert_eq!(report.lost.len(), 1);
    assert_eq!(report.lost[0].why, "it was there at first and is gone at the end");
}

#[tokio::test]
async fn an_alert_kept_twice_is_a_fault() {
    let report = run(&everything(), Fault::KeepsTwice).await;
    assert_eq!(report.kept_twice.len(), 1);
    assert_eq!((report.kept_twice[0].rows, report.kept_twice[0].expected), (3, 1));
    assert_eq!(report.faults(), [r#"{alertname="A"} is kept 3 times instead of 1"#]);
}

#[tokio::test]
async fn an_end_that_was_not_noticed_is_a_loss() {
    let report = run(&everything(), Fault::NeverResolves).await;
    assert_eq!(report.lost.len(), 1);
    assert_eq!((report.lost[0].file.as_str(), report.alerts_kept), ("2.json", 4));
    assert_eq!(report.lost[0].why, "it was sent as resolved and is kept as firing");
}

#[tokio::test]
async fn a_refusal_without_a_reason_is_a_fault() {
    let report = run(&everything(), Fault::RefusesSilently).await;
    assert_eq!((report.rejected_4xx, report.refused_without_reason), (2, 2));
    assert_eq!(report.refused[0].reason, None);
    assert_eq!(report.faults()[0], "3.json was refused with 400 and no reason");
}

#[tokio::test]
async fn a_failure_is_shown_with_what_the_server_said() {
    let report = run(&everything(), Fault::Fails).await;
    assert_eq!((report.rejected_4xx, report.errors_5xx), (0, 2));
    assert_eq!((report.errors[0].status, report.errors[0].reason.as_str()), (Some(500), "thread panicked"));
    assert_eq!(report.faults().len(), 2);
}

#[tokio::test]
async fn a_server_that_hangs_up_has_failed_on_that_body_and_is_asked_on() {
    let report = run(&everything(), Fault::HangsUp).await;
    assert_eq!((report.sent, report.errors_5xx), (5, 2));
    assert_eq!(report.errors[0].status, None);
    assert_eq!(report.errors[0].file, "3.json");
}

#[tokio::test]
async fn a_refused_body_that_left_alerts_behind_is_a_fault() {
    let report = run(&everything(), Fault::WritesHalf).await;
    assert_eq!(report.never_accepted, [r#"{alertname="B"}"#, r#"{alertname="C"}"#]);
}

#[tokio::test]
async fn a_server_that_has_seen_alerts_proves_nothing() {
    let data = everything();
    let server = stand_in::start(Fault::None).await;
    webhooks::run(data.path(), &server).await.expect("fresh");
    let error = webhooks::run(data.path(), &server).await.expect_err("not fresh any more");
    assert_eq!(error.to_string(), "the server keeps alerts already; this suite needs a fresh one");
}

#[tokio::test]
async fn what_is_wrong_with_the_data_is_named_by_file_and_line() {
    let server = stand_in::start(Fault::None).await;
    let fails = async |folder: &TempDir| {
        webhooks::run(folder.path(), &server).await.expect_err("bad data").to_string()
    };
    let empty = tempfile::tempdir().expect("temporary folder");
    assert!(fails(&empty).await.ends_with("index.jsonl"));

    let folder = everything();
    std::fs::remove_file(folder.path().join("1.json")).expect("remove");
    let error = fails(&folder).await;
    assert!(error.contains("index.jsonl, line 2 names 1.json"), "{error}");

    std::fs::write(folder.path().join("index.jsonl"), r#"{"file": "0.json", "kind": "pigeon"}"#)
        .expect("write");
    let error = fails(&folder).await;
    assert!(error.contains("index.jsonl, line 1"), "{error}");
}

#[tokio::test]
async fn the_text_shows_figures_notes_faults_and_the_verdict() {
    let mut text = Vec::new();
    run(&everything(), Fault::KeepsTwice).await.write_text(&mut text).expect("write");
    let text = String::from_utf8(text).expect("text");
    assert!(text.starts_with("webhooks\n"), "{text}");
    assert!(text.contains("  note: 3.json was refused with 400: the body has no list `alerts`\n"), "{text}");
    assert!(text.ends_with("  FAULT: {alertname=\"A\"} is kept 3 times instead of 1\nfailed\n"), "{text}");
}
