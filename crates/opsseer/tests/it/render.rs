//! `opsseer render` against a real Prometheus that watches itself.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::test_server::PATIENCE;

const CONFIG: &str = "global: {scrape_interval: 1s}\n\
    scrape_configs: [{job_name: itself, static_configs: [{targets: ['ADDRESS']}]}]\n";

const DASHBOARD: &str = r#"{
    "templating": {"list": [{"name": "job", "type": "custom", "query": "itself", "current": {}}]},
    "panels": [
        {"id": 1, "type": "stat", "title": "Up", "targets": [{"refId": "A", "expr": "up{job=\"$job\"}", "instant": true}]},
        {"id": 2, "type": "timeseries", "title": "Series",
         "targets": [{"refId": "A", "expr": "prometheus_tsdb_head_series", "legendFormat": "series of {{job}}"},
                     {"refId": "B", "expr": "2 * prometheus_tsdb_head_series", "legendFormat": "twice"}]},
        {"id": 3, "type": "stat", "title": "Wrong", "targets": [{"refId": "A", "expr": "sum("}]}]}"#;

struct Prometheus {
    process: Child,
    url: String,
    folder: TempDir,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

impl Prometheus {
    /// Starts one, and waits until it has scraped itself.
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, CONFIG.replace("ADDRESS", &address)).unwrap();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("tsdb").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus is installed");
        let started = Self { process, url: format!("http://{address}"), folder };
        started.until_it_has_values().await;
        started
    }

    async fn until_it_has_values(&self) {
        // The client needs it, and may come before any server has installed it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let address = format!("{}/api/v1/query?query=prometheus_tsdb_head_series", self.url);
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = match reqwest::get(&address).await {
                Ok(answer) => answer.json::<Value>().await.unwrap_or_default(),
                Err(_) => Value::Null,
            };
            if answer["data"]["result"][0].is_object() {
                return;
            }
            assert!(Instant::now() < end, "Prometheus has no values: {answer}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    fn render(&self, arguments: &[&str]) -> Output {
        let dashboard = self.folder.path().join("dashboard.json");
        fs::write(&dashboard, DASHBOARD).unwrap();
        Command::new(env!("CARGO_BIN_EXE_opsseer"))
            .arg("render")
            .arg(&dashboard)
            .args(["--prometheus", &self.url, "--from", "now-2m", "--svg", "--json", "--out"])
            .arg(self.folder.path().join("pictures"))
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }
}

/// The picture of a panel, as the command lists it.
fn picture(listed: &Output, panel: u64) -> String {
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let panels = listed["panels"].as_array().unwrap();
    let one = panels.iter().find(|one| one["panel"] == panel).unwrap();
    fs::read_to_string(Path::new(one["file"].as_str().unwrap())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn panels_are_drawn_from_what_prometheus_has() {
    let prometheus = Prometheus::start().await;
    let good = prometheus.render(&["--panel", "2"]);
    assert!(good.status.success(), "{good:?}");
    let chart = picture(&good, 2);
    assert!(chart.contains(">series of itself<") && !chart.contains("no data"), "{chart}");
    let all = prometheus.render(&[]);
    assert_eq!(all.status.code(), Some(1), "one of the queries cannot be answered");
    assert!(picture(&all, 1).contains(">1</text>"), "{}", picture(&all, 1));
    assert!(picture(&all, 3).contains("There is no picture"), "{}", picture(&all, 3));
    let aside = String::from_utf8_lossy(&all.stderr);
    assert!(aside.contains("panel 3 (Wrong): There is no picture: query A was not answered"), "{aside}");
}
