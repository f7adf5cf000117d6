//! The short form of `./task bench --crash 200` and `--outage 7m`: the very program, killed for real.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

/// Runs `opsseer bench` and gives what it wrote down. A fault fails the test with everything that was printed.
fn bench(arguments: &[&str]) -> Value {
    let folder = TempDir::new().unwrap();
    let json = folder.path().join("result.json");
    let run = Command::new(env!("CARGO_BIN_EXE_opsseer"))
        .arg("bench")
        .args(arguments)
        .arg("--json")
        .arg(&json)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{said}");
    serde_json::from_slice(&fs::read(&json).unwrap()).unwrap()
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_whatever_is_killed_stopped_or_full() {
    let report = bench(&["--crash", "3", "--scenario", "all"]);
    let scenarios = report["scenarios"].as_array().unwrap();
    let names: Vec<String> = scenarios
        .iter()
        .map(|one| format!("{} {}", one["scenario"].as_str().unwrap(), one["engine"].as_str().unwrap()))
        .collect();
    let expected = [
        "kill sqlite",
        "kill postgres",
        "postgres-restart postgres",
        "replicas postgres",
        "full-disk sqlite",
    ];
    assert_eq!(names, expected);
    for one in scenarios.iter().filter(|one| one["skipped"].is_null()) {
        let count = |value: &Value| value.as_u64().unwrap();
        assert!(count(&one["blows"]) >= count(&one["asked"]), "{one:#}");
        assert!(count(&one["sent"]["accepted"]) > 0 && count(&one["verdict"]["charts"]) > 0, "{one:#}");
        assert_eq!(one["verdict"]["faults"], serde_json::json!([]));
    }
}

#[test]
fn one_alert_is_one_incident_however_long_a_backend_is_down() {
    let report = bench(&["--outage", "20s"]);
    for outage in report["outages"].as_array().unwrap() {
        assert_eq!(outage["incidents"].as_array().unwrap().len(), 1, "{outage:#}");
        assert_eq!(outage["incidents"][0]["status"], "resolved");
    }
    assert_eq!(report["outages"].as_array().unwrap().len(), 2);
}
