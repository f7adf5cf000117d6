//! Docker stopped, started, away, and hanging.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use opsseer_container_exporter::{DockerHost, Settings};
use serde_json::json;
use tokio::{io::AsyncReadExt, net::UnixListener};

use crate::{
    engine::Engine,
    exporter::{Exporter, Page, get, settings},
    need_engine,
};

const UP: &str = "container_exporter_docker_up";

fn is_up(page: &Page) -> bool {
    page.value(UP) == Some(1.0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_docker_is_survived_without_twins_and_without_leaks() {
    need_engine!();
    let mut engine = Engine::start().await;
    let exporter = Exporter::program(&engine.socket).await;
    let always = json!({"HostConfig": {"RestartPolicy": {"Name": "always"}}});
    engine.run("comes-back", "sleep 3600", always).await;
    engine.run("stays-away", "sleep 3600", json!({})).await;
    let before = exporter.knows(&["comes-back", "stays-away"]).await;

    for _ in 0..2 {
        engine.stop();
        let page = exporter.until("the loss is told", |page| !is_up(page)).await;
        assert_eq!(
            page.of("comes-back", "docker_container_cpu_seconds_total"),
            None,
            "it has ended with Docker"
        );
        assert_eq!(page.of("comes-back", "docker_container_running"), Some(0.0));
        engine.start_again().await;
        exporter.until("Docker is followed again", is_up).await;
        let page = exporter.knows(&["comes-back"]).await;
        assert_eq!(page.of("stays-away", "docker_container_running"), Some(0.0));
        assert_eq!(page.containers(), 2, "{}", page.0);
    }
    let after = exporter.scrape().await;
    let fds = "process_open_fds";
    assert!(after.value(fds).unwrap() <= before.value(fds).unwrap() + 5.0, "{:?}", after.value(fds));
    engine.remove_all().await;
    exporter.until("all are gone", |page| page.containers() == 0).await;
}

#[tokio::test]
async fn without_docker_scrapes_are_answered() {
    let mut nowhere = settings(Path::new("/nowhere/docker.sock"));
    let exporter = Exporter::here(nowhere.clone()).await;
    let errors = "container_exporter_docker_errors_total{operation=\"connect\"}";
    let page = exporter.until("attempts are made", |page| page.value(errors) >= Some(2.0)).await;
    assert_eq!(page.value(UP), Some(0.0));

    // Nor does a proxy that is not there.
    nowhere.docker_host = DockerHost::Tcp("127.0.0.1:1".to_owned());
    let exporter = Exporter::here(nowhere).await;
    let page = exporter.until("attempts are made", |page| page.value(errors) >= Some(2.0)).await;
    assert_eq!(page.value(UP), Some(0.0));
}

/// A Docker that takes every connection and answers up to a point.
struct Hanging {
    _folder: tempfile::TempDir,
    settings: Settings,
    /// Connections that are open now, and those that have been.
    open: Arc<AtomicUsize>,
    taken: Arc<AtomicUsize>,
}

impl Hanging {
    /// Answers `/version` if `greets`, and nothing else.
    fn start(greets: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (open, taken) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (still_open, all_taken) = (Arc::clone(&open), Arc::clone(&taken));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                still_open.fetch_add(1, Ordering::SeqCst);
                all_taken.fetch_add(1, Ordering::SeqCst);
                let still_open = Arc::clone(&still_open);
                tokio::spawn(async move {
                    let mut bytes = [0; 4096];
                    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                        if greets && String::from_utf8_lossy(&bytes[..read]).contains("/version") {
                            answer_version(&mut stream).await;
                        }
                    }
                    still_open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        let mut settings = settings(&socket);
        settings.docker_timeout = Duration::from_millis(100);
        Self { _folder: folder, settings, open, taken }
    }
}

async fn answer_version(stream: &mut tokio::net::UnixStream) {
    use tokio::io::AsyncWriteExt;
    let body = r#"{"ApiVersion":"1.41"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // A client that has gone meanwhile is what is tested.
    let _ = stream.write_all(answer.as_bytes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_docker_that_hangs_holds_up_no_scrape_and_leaks_no_connection() {
    for (greets, operation) in [(false, "connect"), (true, "list")] {
        let hanging = Hanging::start(greets);
        let exporter = Exporter::here(hanging.settings.clone()).await;
        let errors = format!("container_exporter_docker_errors_total{{operation=\"{operation}\"}}");
        let page =
            exporter.until("it is given up and tried again", |page| page.value(&errors) >= Some(4.0)).await;
        assert_eq!(page.value(UP), Some(0.0));
        assert!(hanging.taken.load(Ordering::SeqCst) >= 4);
        // One attempt can be on its way: a greeting, or a list and events.
        let open = hanging.open.load(Ordering::SeqCst);
        assert!(open <= 3, "{open} connections are open");
    }
}

#[tokio::test]
async fn other_pages_tell_where_to_look() {
    let hanging = Hanging::start(false);
    let exporter = Exporter::here(hanging.settings.clone()).await;
    let healthy = get(exporter.address(), "/healthz").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    let lost = get(exporter.address(), "/").await;
    assert_eq!(lost.status, 404);
    assert!(lost.body.contains("/metrics"), "{}", lost.body);
}
