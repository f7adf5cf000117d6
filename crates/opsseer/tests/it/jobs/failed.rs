//! Work that failed for good: seen and asked for again by a program, from a terminal, and on the pages.

use std::{process::Output, time::Duration};

use opsseer_connect::{RequestError, prometheus::FakeMetrics};
use serde_json::{Value, json};

use super::held::until;
use crate::test_server::{TestServer, alert_without_limit};

/// No second try by itself.
const NO_LADDER: &str = "[jobs]\nretry_after = []";

/// What a Prometheus that does not answer is told as, with an address that must be shown as text.
fn timed_out() -> RequestError {
    RequestError::TimedOut {
        system: "Prometheus",
        url: "http://prometheus/<script>".into(),
        timeout: Duration::from_secs(10),
    }
}

/// A server with an incident for each of these services, whose pictures could not be drawn. The next one can.
async fn server_with_failures(services: &[&str]) -> TestServer {
    let metrics = FakeMetrics::default();
    for _ in services {
        metrics.push_range("latency", Err(timed_out()));
    }
    let server = TestServer::start_with(NO_LADDER, metrics).await;
    for (service, number) in services.iter().zip(1..) {
        server.alert(json!([alert_without_limit("ToyprodSlow", service)])).await;
        server.event(number, "step_failed").await;
    }
    server
}

async fn dead(server: &TestServer) -> Vec<Value> {
    server.get("/api/v1/jobs?state=dead").await["jobs"].as_array().unwrap().clone()
}

/// Sends a form as a browser does that runs no scripts.
async fn submit(server: &TestServer, path: &str, body: &str) -> (u16, String, String) {
    let request = server.http.post(format!("{}{path}", server.url)).header("cookie", "opsseer_name=Ada");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.url().path().to_owned(), answer.text().await.unwrap())
}

async fn page(server: &TestServer, path: &str) -> String {
    server.http.get(format!("{}{path}", server.url)).send().await.unwrap().text().await.unwrap()
}

/// Runs the command beside the server.
async fn opsseer(server: &TestServer, arguments: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_opsseer"));
    command.args(arguments).env("OPSSEER_URL", &server.url).env("USER", "ada").output().await.unwrap()
}

#[tokio::test]
async fn a_program_sees_what_failed_and_asks_for_another_try_that_succeeds() {
    let server = server_with_failures(&["toyprod"]).await;
    let [job] = dead(&server).await.try_into().unwrap();
    assert_eq!(
        (job["kind"].as_str(), job["incident"].as_i64(), job["attempts"].as_i64(), job["state"].as_str()),
        (Some("chart_metric"), Some(1), Some(1), Some("dead"))
    );
    assert!(job["last_error"].as_str().unwrap().contains("did not answer within 10 s"), "{job}");
    assert!(job["ended_at"].is_string() && job["available_at"].is_null(), "{job}");
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    assert_eq!(server.get(&path).await, job);
    let (status, again) = server.post(&format!("{path}/retry"), r#"{"by": "ada"}"#).await;
    assert_eq!((status, again["id"].as_str()), (200, job["id"].as_str()));
    server.event(1, "charted").await;
    assert_eq!(dead(&server).await, Vec::<Value>::new());
    let done = server.get(&path).await;
    assert_eq!((done["state"].as_str(), done["attempts"].as_i64()), (Some("done"), Some(2)));
    // The wish itself is no event: the failure, and then the picture.
    let kinds = server.kinds(1).await;
    let after: Vec<_> = kinds.iter().skip_while(|kind| *kind != "step_failed").collect();
    assert!(after.contains(&&"charted".to_owned()) && !kinds.contains(&"note".to_owned()), "{kinds:?}");
    let (status, refused) = server.post(&format!("{path}/retry"), r#"{"by": "ada"}"#).await;
    assert_eq!((status, refused["code"].as_str()), (409, Some("conflict")));
    server.stop().await;
}

#[tokio::test]
async fn all_of_a_kind_are_asked_for_at_once() {
    let server = server_with_failures(&["a", "b", "c"]).await;
    let retry = async |body: Value| server.post("/api/v1/jobs/retry", body.to_string()).await;
    assert_eq!(retry(json!({"by": "ada", "kind": "answer_runbook"})).await.1["retried"], 0);
    assert_eq!(dead(&server).await.len(), 3);
    assert_eq!(retry(json!({"by": "ada", "kind": "chart_metric"})).await.1["retried"], 3);
    for number in 1..=3 {
        server.event(number, "charted").await;
    }
    assert_eq!(retry(json!({"by": "ada"})).await.1["retried"], 0);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_in_words() {
    let server = server_with_failures(&["toyprod"]).await;
    let id = dead(&server).await[0]["id"].as_str().unwrap().to_owned();
    for (path, body, status, words) in [
        (format!("/api/v1/jobs/{id}/retry"), json!({"by": " "}), 400, "must be a name"),
        (format!("/api/v1/jobs/{id}/retry"), json!({}), 422, "by"),
        ("/api/v1/jobs/7/retry".into(), json!({"by": "ada"}), 400, "a job's id"),
        (format!("/api/v1/jobs/{}/retry", uuid::Uuid::nil()), json!({"by": "ada"}), 404, "no such job"),
        ("/api/v1/jobs/retry".into(), json!({"by": ""}), 400, "must be a name"),
    ] {
        let (answered, problem) = server.post(&path, body.to_string()).await;
        assert_eq!(answered, status, "{path} {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{path} {problem}");
    }
    for query in ["state=broken", "limit=0", "limit=201", "cursor=x", "sate=dead"] {
        let refused = server.http.get(format!("{}/api/v1/jobs?{query}", server.url)).send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 400, "{query}");
    }
    assert_eq!(dead(&server).await.len(), 1, "nothing was tried again");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_a_terminal_one_sees_what_failed_and_asks_for_another_try() {
    let server = server_with_failures(&["toyprod"]).await;
    let listed = opsseer(&server, &["jobs", "list", "--state", "dead"]).await;
    let text = String::from_utf8(listed.stdout).unwrap();
    assert!(text.contains("chart_metric") && text.contains("INC-1") && text.contains("10 s"), "{text}");
    let listed = opsseer(&server, &["jobs", "list", "--json"]).await;
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(
        listed["jobs"].as_array().unwrap().len() > 1,
        "all jobs are listed, not only the dead one: {listed}"
    );
    let id = dead(&server).await[0]["id"].as_str().unwrap().to_owned();
    let retried = opsseer(&server, &["jobs", "retry", &id]).await;
    assert_eq!(String::from_utf8(retried.stdout).unwrap(), "chart_metric of INC-1 is tried again.\n");
    server.event(1, "charted").await;
    let again = opsseer(&server, &["jobs", "retry", &id]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("the job is done"), "{again:?}");
    let all = opsseer(&server, &["jobs", "retry", "--all"]).await;
    assert!(String::from_utf8_lossy(&all.stdout).starts_with("Nothing was given up"), "{all:?}");
    for wrong in [&["jobs", "retry"][..], &["jobs", "retry", &id, "--all"]] {
        assert_eq!(opsseer(&server, wrong).await.status.code(), Some(2), "{wrong:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_page_shows_what_failed_and_its_button_works_without_a_script() {
    let server = server_with_failures(&["toyprod", "mail"]).await;
    assert!(page(&server, "/").await.contains(r#"<a href="/jobs">Failed work (2)</a>"#));
    let shown = page(&server, "/jobs").await;
    for part in
        ["INC-1", "INC-2", "Drawing the metric", "did not answer within 10 s", "begun once", "Try again"]
    {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    assert!(!shown.contains("<script>") && shown.contains("&#60;script&#62;"), "{shown}");
    let id = dead(&server).await[0]["id"].as_str().unwrap().to_owned();
    let (status, path, _) = submit(&server, &format!("/jobs/{id}/retry"), "").await;
    assert_eq!((status, path.as_str()), (200, "/jobs"));
    server.event(2, "charted").await;
    let (status, path, _) = submit(&server, "/jobs/retry", "").await;
    assert_eq!((status, path.as_str()), (200, "/jobs"));
    server.event(1, "charted").await;
    let empty = page(&server, "/jobs").await;
    assert!(empty.contains("Nothing failed for good") && !empty.contains("Failed work ("), "{empty}");
    let (status, _, refused) = submit(&server, &format!("/jobs/{id}/retry"), "").await;
    assert!(status == 409 && refused.contains("the job is done"), "{refused}");
    assert_eq!(submit(&server, "/jobs/7/retry", "").await.0, 404);
    assert!(page(&server, "/jobs?state=broken").await.contains("allowed: dead, pending"));
    server.stop().await;
}

#[tokio::test]
async fn the_page_also_shows_what_waits_and_until_when() {
    let metrics = FakeMetrics::default();
    metrics.push_range("latency", Err(timed_out()));
    let server = TestServer::start_with("[jobs]\nretry_after = [\"1h\"]", metrics).await;
    server.alert(json!([alert_without_limit("ToyprodSlow", "toyprod")])).await;
    server.event(1, "step_failed").await;
    let shown = page(&server, "/jobs?state=pending").await;
    for part in ["INC-1", "Drawing the metric", "did not answer within 10 s", "by <time", "begun once"] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    assert!(!shown.contains("<button>Try"), "it is tried again by itself: {shown}");
    assert!(page(&server, "/jobs").await.contains("Nothing failed for good"));
    server.stop().await;
}

#[tokio::test]
async fn a_step_that_failed_is_tried_again_from_its_incidents_page() {
    let server = server_with_failures(&["toyprod", "mail"]).await;
    let id = server.get("/api/v1/incidents/1").await["id"].as_str().unwrap().to_owned();
    let form = format!("incident={id}&kind=chart_metric");
    let shown = page(&server, "/incidents/1").await;
    assert!(shown.contains(&format!(r#"name="incident" value="{id}""#)), "{shown}");
    assert!(shown.contains(r#"action="/jobs/retry""#) && shown.contains("Not tried again."), "{shown}");
    let (status, path, _) = submit(&server, "/jobs/retry", &form).await;
    assert_eq!((status, path), (200, format!("/incidents/{id}")));
    server.event(1, "charted").await;
    assert_eq!(dead(&server).await.len(), 1, "the other incident's is left alone");
    let (status, _, refused) = submit(&server, "/jobs/retry", &form).await;
    assert!(status == 409 && refused.contains("done meanwhile"), "{refused}");
    server.stop().await;
}

#[tokio::test]
async fn another_sites_page_cannot_ask_for_work() {
    let server = server_with_failures(&["toyprod"]).await;
    let id = dead(&server).await[0]["id"].as_str().unwrap().to_owned();
    for path in ["/jobs/retry".to_owned(), format!("/jobs/{id}/retry"), format!("/api/v1/jobs/{id}/retry")] {
        let request =
            server.http.post(format!("{}{path}", server.url)).header("origin", "https://evil.example");
        assert_eq!(request.send().await.unwrap().status().as_u16(), 403, "{path}");
    }
    assert_eq!(dead(&server).await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_metrics_tell_what_became_of_jobs() {
    let server = server_with_failures(&["toyprod"]).await;
    let value = async |series: &str| {
        let text = page(&server, "/metrics").await;
        let found = text.lines().find_map(|line| Some(line.strip_prefix(series)?.trim().to_owned()));
        found.unwrap_or_else(|| panic!("no {series} in {text}"))
    };
    // Other servers of this test process write the same series.
    until("the dead job", async || value("opsseer_jobs{state=\"dead\"}").await == "1").await;
    assert_ne!(value("opsseer_jobs_total{kind=\"chart_metric\",result=\"failed\"}").await, "0");
    assert_ne!(value("opsseer_job_wait_seconds_count{kind=\"chart_metric\"}").await, "0");
    submit(&server, "/jobs/retry", "").await;
    server.event(1, "charted").await;
    until("no dead job", async || value("opsseer_jobs{state=\"dead\"}").await == "0").await;
    assert_ne!(value("opsseer_jobs_total{kind=\"chart_metric\",result=\"done\"}").await, "0");
    server.stop().await;
}
