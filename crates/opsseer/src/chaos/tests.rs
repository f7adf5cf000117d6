//! Whole runs against a stand-in for toyprod that remembers what it was told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{RawQuery, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use tokio::{net::TcpListener, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::*;

/// A toyprod that fails every order while its fail rate is 1, never answers while a delay is set, and refuses mode
/// "spike".
#[derive(Clone, Default)]
struct StandIn {
    told: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    async fn start(&self) -> Url {
        let app = Router::new()
            .route("/chaos", post(set_chaos))
            .route("/orders", get(orders))
            .with_state(self.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = url_of(listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        url
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    async fn until_told(&self, query: &str) {
        let heard = async {
            while self.told().last().is_none_or(|last| last != query) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(Duration::from_secs(20), heard).await.is_ok(), "told {:?}", self.told());
    }
}

async fn set_chaos(State(stand_in): State<StandIn>, RawQuery(query): RawQuery) -> (StatusCode, &'static str) {
    let query = query.unwrap_or_default();
    if query.contains("spike") {
        return (StatusCode::BAD_REQUEST, "no spikes here");
    }
    stand_in.told.lock().unwrap().push(query);
    (StatusCode::OK, "{}")
}

async fn orders(State(stand_in): State<StandIn>) -> StatusCode {
    let in_force = stand_in.told().last().cloned().unwrap_or_default();
    if in_force.contains("mode=constant") {
        std::future::pending::<()>().await;
    }
    if in_force.contains("fail_rate=1") { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }
}

fn url_of(address: SocketAddr) -> Url {
    Url::parse(&format!("http://{address}")).unwrap()
}

fn scenario(phases: &str) -> Scenario {
    Scenario::parse(&format!("name = 'test'\ndescription = 'A test.'\n{phases}")).unwrap()
}

fn phase(name: &str, duration: &str, rest: &str) -> String {
    format!("[[phase]]\nname = '{name}'\nduration = '{duration}'\n{rest}\n")
}

struct Caller {
    milestones: watch::Sender<Option<Milestone>>,
    cancel: CancellationToken,
}

fn run_of(scenario: Scenario, target: Url) -> (ChaosRun, Caller) {
    let (milestones, receiver) = watch::channel(None);
    let cancel = CancellationToken::new();
    let run = ChaosRun {
        scenario,
        target,
        record: None,
        started: DateTime::<Utc>::UNIX_EPOCH,
        milestones: receiver,
        cancel: cancel.clone(),
    };
    (run, Caller { milestones, cancel })
}

#[tokio::test]
async fn a_run_sets_each_phase_counts_its_requests_and_ends_calm() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let phases = phase("warm-up", "300ms", "rate = 50")
        + phase("incident", "500ms", "rate = 100\nfail_rate = 1").as_str()
        + phase("recover", "200ms", "rate = 20").as_str();
    let (run, _caller) = run_of(scenario(&phases), target);
    let mut heard = Vec::new();
    let finished = run
        .run(&mut |event| {
            heard.push(match event {
                ChaosEvent::PhaseStarted { phase, .. } => format!("{} began", phase.name),
                ChaosEvent::PhaseEnded { name, by, .. } => format!("{name} ended by {by:?}"),
                ChaosEvent::Restored { .. } => "restored".to_owned(),
                ChaosEvent::Progress { .. } => return,
            });
        })
        .await;
    finished.result.unwrap();
    assert_eq!(
        heard,
        [
            "warm-up began",
            "warm-up ended by Duration",
            "incident began",
            "incident ended by Duration",
            "recover began",
            "recover ended by Duration",
            "restored",
        ]
    );
    let told = ["mode=none", "mode=none&delay_ms=0&fail_rate=1", "mode=none", "mode=none"];
    assert_eq!(stand_in.told(), told);

    let record = finished.record;
    assert_eq!(record.outcome, Outcome::Completed);
    assert!(record.started < record.restored.unwrap() && record.restored <= record.ended);
    let counts: Vec<_> = record.phases.iter().map(|phase| (phase.asked, phase.ok, phase.failed)).collect();
    // The last arrivals of a phase may come too late on a busy machine, but never too many.
    for ((asked, ok, failed), planned) in counts.iter().zip([15, 50, 4]) {
        assert!((1..=planned).contains(asked) && asked == &(ok + failed), "{counts:?}");
    }
    // An order that was under way when the chaos changed may go either way.
    assert!(counts[1].2 >= counts[1].1, "{counts:?}");
    let failures: Vec<_> = record.phases[1].failures.keys().collect();
    assert_eq!(failures, ["status 500"]);
    assert!(record.phases[1].latency_ms.is_some());
    for phase in &record.phases {
        assert!(phase.start < phase.end.unwrap());
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_does_not_slow_the_arrivals_and_the_excess_is_counted() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let (run, caller) = run_of(scenario(&phase("incident", "1h", "rate = 5000\ndelay_ms = 60000")), target);
    let cancel = caller.cancel.clone();
    let finished = run
        .run(&mut |event| {
            if let ChaosEvent::Progress { dropped: 1.., .. } = event {
                cancel.cancel();
            }
        })
        .await;
    let phase = &finished.record.phases[0];
    assert_eq!(phase.sent, 512, "as many as may wait at once");
    assert_eq!(phase.asked, phase.sent + phase.dropped);
    assert_eq!((phase.ok, phase.failed, phase.unanswered), (0, 0, 512));
    assert_eq!(stand_in.told().last().unwrap(), "mode=none");
}

#[tokio::test]
async fn a_milestone_ends_the_phase_that_waits_for_it() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let phases = phase("incident", "1h", "rate = 10\nfail_rate = 1\nuntil = 'alert'")
        + phase("recover", "1h", "rate = 10\nuntil = 'resolved'").as_str();
    let (run, caller) = run_of(scenario(&phases), target);
    let finished = run
        .run(&mut |event| {
            if let ChaosEvent::PhaseStarted { phase, .. } = event {
                caller.milestones.send_replace(phase.until);
            }
        })
        .await;
    finished.result.unwrap();
    let ended_by: Vec<_> = finished.record.phases.iter().map(|phase| phase.ended_by).collect();
    assert_eq!(ended_by, [Some(EndedBy::Milestone); 2]);
}

#[tokio::test]
async fn cancelling_switches_the_chaos_off_and_says_so_in_the_record() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("incident.json");
    let (mut run, caller) = run_of(scenario(&phase("incident", "1h", "rate = 10\nfail_rate = 1")), target);
    run.record = Some(path.clone());
    let finished = run
        .run(&mut |event| {
            if let ChaosEvent::PhaseStarted { .. } = event {
                caller.cancel.cancel();
            }
        })
        .await;
    assert!(matches!(finished.result, Err(ChaosError::Cancelled)));
    assert_eq!(stand_in.told(), ["mode=none&delay_ms=0&fail_rate=1", "mode=none"]);

    let record: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(record["outcome"], "cancelled");
    assert_eq!(record["scenario"], "test");
    assert!(record["restored"].is_string() && record["ended"].is_string(), "{record}");
    assert_eq!(record["phases"][0]["name"], "incident");
    assert_eq!(record["phases"][0]["set"]["fail_rate"], 1.0);
    assert!(record["phases"][0]["end"].is_null(), "{record}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no half-written file is left");
}

#[tokio::test]
async fn a_dropped_run_still_switches_the_chaos_off() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let (run, _caller) = run_of(scenario(&phase("incident", "1h", "rate = 10\nfail_rate = 1")), target);
    let running = tokio::spawn(async move { run.run(&mut |_| {}).await.result });
    stand_in.until_told("mode=none&delay_ms=0&fail_rate=1").await;
    running.abort();
    stand_in.until_told("mode=none").await;
}

#[tokio::test]
async fn a_refused_phase_ends_the_run_calm_and_the_error_repeats_the_reason() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let phases = phase("degrade", "100ms", "rate = 10\nfail_rate = 1")
        + phase("incident", "1h", "rate = 10\nmode = 'spike'\ndelay_ms = 9").as_str();
    let finished = run_of(scenario(&phases), target).0.run(&mut |_| {}).await;
    let error = finished.record.error.unwrap();
    assert!(error.contains("begin the phase incident") && error.contains("no spikes here"), "{error}");
    assert_eq!(finished.record.outcome, Outcome::Failed);
    assert_eq!(stand_in.told().last().unwrap(), "mode=none");
}

#[tokio::test]
async fn a_service_that_is_not_there_is_told_by_its_address() {
    let vacant = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (run, _caller) = run_of(scenario(&phase("warm-up", "1s", "rate = 1")), url_of(vacant));
    let finished = run.run(&mut |_| {}).await;
    let error = finished.record.error.unwrap();
    assert!(error.contains(&vacant.to_string()), "{error}");
    assert!(finished.record.restored.is_none() && finished.record.phases.is_empty());
}

#[tokio::test]
async fn a_record_that_cannot_be_kept_stops_the_run_before_any_harm() {
    let stand_in = StandIn::default();
    let target = stand_in.start().await;
    let (mut run, _caller) = run_of(scenario(&phase("incident", "1h", "rate = 1\nfail_rate = 1")), target);
    let folder = tempfile::tempdir().unwrap();
    run.record = Some(folder.path().join("missing/incident.json"));
    let finished = run.run(&mut |_| {}).await;
    assert!(matches!(finished.result, Err(ChaosError::Record(_))));
    assert_eq!(stand_in.told(), Vec::<String>::new());
}
