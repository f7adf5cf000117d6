//! Grafana's own alerting beside Alertmanager: what both report is one incident.
//!
//! The alerts are made from the files that both are given (`ops/`), with the labels that the two programs add.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::test_server::{TestServer, envelope};

type Texts = BTreeMap<String, String>;

/// A rule file of Prometheus, or a file of Grafana's provisioning: rules in groups.
#[derive(Deserialize)]
struct RulesFile<R> {
    groups: Vec<Group<R>>,
}

#[derive(Deserialize)]
struct Group<R> {
    rules: Vec<R>,
}

#[derive(Deserialize)]
struct PrometheusRule {
    /// A recording rule has none.
    alert: Option<String>,
    #[serde(default)]
    labels: Texts,
    #[serde(default)]
    annotations: Texts,
}

#[derive(Deserialize)]
struct GrafanaRule {
    uid: String,
    title: String,
    labels: Texts,
    annotations: Texts,
}

fn read<R: DeserializeOwned>(file: &str) -> Vec<R> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let read: RulesFile<R> = serde_saphyr::from_str(&text).unwrap();
    read.groups.into_iter().flat_map(|group| group.rules).collect()
}

/// Labels as the alert carries them: templates filled in, for the service toyprod, and the series' own label.
fn filled(labels: &Texts, name: &str) -> Texts {
    let mut labels = labels.clone();
    for value in labels.values_mut().filter(|value| value.contains("abels.svc }}")) {
        "toyprod".clone_into(value);
    }
    if name == "ServiceHighMemoryUsage" {
        labels.insert("svc".to_owned(), "toyprod".to_owned());
    }
    labels.insert("alertname".to_owned(), name.to_owned());
    labels
}

/// As Prometheus and Alertmanager send the alert of this name.
fn from_alertmanager(name: &str, status: &str) -> Value {
    let rules: Vec<PrometheusRule> = ["prometheus/rules/toyprod.yml", "prometheus/rules/containers.yml"]
        .into_iter()
        .flat_map(read)
        .collect();
    let rule = rules.into_iter().find(|rule| rule.alert.as_deref() == Some(name)).unwrap();
    let mut alert = json!({"labels": filled(&rule.labels, name), "annotations": rule.annotations,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up&g0.tab=1"});
    set_status(&mut alert, status);
    envelope(&json!([alert]))
}

/// As Grafana sends it: its folder is a label, its page of the rule the address.
fn from_grafana(rule: &GrafanaRule, status: &str) -> Value {
    let mut labels = filled(&rule.labels, &rule.title);
    labels.insert("grafana_folder".to_owned(), "OpsSeer".to_owned());
    let mut annotations = rule.annotations.clone();
    // Those two become the alert's links.
    let dashboard = annotations.remove("__dashboardUid__").unwrap();
    let panel = annotations.remove("__panelId__").unwrap();
    let mut alert = json!({"labels": labels, "annotations": annotations,
        "generatorURL": format!("http://grafana:3000/alerting/grafana/{}/view?orgId=1", rule.uid),
        "dashboardURL": format!("http://grafana:3000/d/{dashboard}?orgId=1"),
        "panelURL": format!("http://grafana:3000/d/{dashboard}?orgId=1&viewPanel={panel}"),
        "silenceURL": "http://grafana:3000/alerting/silence/new", "values": {"B": 0.2, "C": 1},
        "valueString": "[ var='B' labels={service=toyprod} value=0.2 ]"});
    set_status(&mut alert, status);
    json!({"receiver": "opsseer", "status": status, "state": "alerting", "orgId": 1, "version": "1",
        "groupKey": "{}:{service=\"toyprod\"}", "groupLabels": {"service": "toyprod"}, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "http://grafana:3000/", "truncatedAlerts": 0,
        "title": "[FIRING:1] toyprod", "message": "", "alerts": [alert]})
}

fn set_status(alert: &mut Value, status: &str) {
    alert["status"] = json!(status);
    alert["startsAt"] = json!("2026-01-02T03:04:05Z");
    alert["endsAt"] =
        json!(if status == "resolved" { "2026-01-02T04:04:05Z" } else { "0001-01-01T00:00:00Z" });
}

async fn send(server: &TestServer, system: &str, body: Value) -> i64 {
    let (status, answer) = server.post(&format!("/webhook/{system}"), body.to_string()).await;
    assert_eq!(status, 202, "{answer}");
    answer["incidents"][0]["number"].as_i64().unwrap()
}

#[tokio::test]
async fn what_grafana_and_alertmanager_both_report_is_one_incident_until_both_say_it_is_over() {
    let rules: Vec<GrafanaRule> = read("grafana/provisioning/alerting/rules.yml");
    assert_eq!(rules.len(), 4);
    let server = TestServer::start().await;
    for (i, rule) in rules.iter().enumerate() {
        // Either may be the first.
        let sent = [
            ("alertmanager", from_alertmanager(&rule.title, "firing")),
            ("grafana", from_grafana(rule, "firing")),
        ];
        let order = if i % 2 == 0 { [0, 1] } else { [1, 0] };
        for system in order {
            let (system, body) = &sent[system];
            assert_eq!(send(&server, system, body.clone()).await, 1, "{} of {system}", rule.title);
        }
    }
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!(
        (incident["status"].as_str(), incident["alerts_firing"].as_i64(), incident["severity"].as_str()),
        (Some("open"), Some(8), Some("page"))
    );

    for rule in &rules {
        send(&server, "alertmanager", from_alertmanager(&rule.title, "resolved")).await;
    }
    let incident = server.get("/api/v1/incidents/1").await;
    assert_eq!((incident["status"].as_str(), incident["alerts_firing"].as_i64()), (Some("open"), Some(4)));
    for rule in &rules {
        send(&server, "grafana", from_grafana(rule, "resolved")).await;
    }
    assert_eq!(server.get("/api/v1/incidents/1").await["status"], "resolved");
    assert_eq!(server.incidents().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn an_alert_of_grafana_leads_to_its_panel_and_its_runbook() {
    let rules: Vec<GrafanaRule> = read("grafana/provisioning/alerting/rules.yml");
    let latency = rules.iter().find(|rule| rule.title == "ToyProdHighLatency").unwrap();
    let server = TestServer::start().await;
    send(&server, "grafana", from_grafana(latency, "firing")).await;
    let alert = &server.get("/api/v1/alerts").await["alerts"][0];
    assert_eq!(alert["annotations"]["panel_url"], "http://grafana:3000/d/toyprod?orgId=1&viewPanel=12");
    assert_eq!(alert["annotations"]["runbook_url"], "runbooks/toyprod-high-latency.md");
    server.stop().await;
}
