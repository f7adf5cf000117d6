//! The demo as a newcomer runs it: real Prometheus, real Alertmanager, real processes, real ports.

use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use opsseer::demo::signals;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

/// The whole story takes half a minute; this is for a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);

const STEPS: [&str; 10] = [
    "chaos began",
    "alert pending",
    "alert firing",
    "webhook received",
    "incident opened",
    "runbook step",
    "picture",
    "chaos off",
    "alert resolved",
    "incident resolved",
];

/// One stack at a time: the fast rules wait for seconds, and three stacks on two cores are late by more.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A running `opsseer demo`, with a temporary folder that nobody else uses.
struct Demo {
    process: Child,
    temporary: TempDir,
    out: PathBuf,
    _folder: TempDir,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (temporary, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let out = folder.path().join("out");
        let file = File::create(&out).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_opsseer"))
            .args(["demo", "--fast"])
            .args(arguments)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .env("TMPDIR", temporary.path())
            // A variable that the user set for another OpsSeer is not for this one.
            .env("OPSSEER_STORE__URL", "sqlite:/nowhere/opsseer.db")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stderr(file.try_clone().unwrap())
            .stdout(file)
            .spawn()
            .unwrap();
        Self { process, temporary, out, _folder: folder }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.out).unwrap()
    }

    /// Waits until `condition` holds, or fails with all that the demo said.
    async fn until(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            if let Some(status) = self.process.try_wait().unwrap() {
                let said = self.said();
                panic!(
                    "the demo ended ({status}) before: {what}. It needs toyprod, Prometheus and Alertmanager, which \
                     `./task test` provides. It said:\n{said}"
                );
            }
            assert!(
                Instant::now() < deadline,
                "this did not happen: {what}. The demo said:\n{}",
                self.said()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn until_it_says(&mut self, text: &str) {
        self.until(text, |demo| demo.said().contains(text)).await;
    }

    fn send(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end. It said:\n{}", self.said());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The addresses of the stack, as the demo printed them.
    fn addresses(&self) -> Vec<String> {
        let said = self.said();
        let rows = ["toyprod ", "container-exporter ", "Prometheus ", "Alertmanager ", "OpsSeer "];
        let row = |name: &&str| said.lines().find(|line| line.starts_with(&format!("  {name}")));
        let address = |line: &str| line.split("http://").nth(1)?.split_whitespace().next().map(str::to_owned);
        rows.iter().filter_map(row).filter_map(address).collect()
    }

    /// Nobody listens any more, and the temporary folder is empty.
    async fn nothing_is_left(&self) {
        let addresses = self.addresses();
        assert_eq!(addresses.len(), 5, "{}", self.said());
        let deadline = Instant::now() + PATIENCE;
        for address in addresses {
            while TcpListener::bind(&address).is_err() {
                assert!(Instant::now() < deadline, "something still listens at {address}");
                sleep(Duration::from_millis(50)).await;
            }
        }
        while fs::read_dir(self.temporary.path()).unwrap().next().is_some() {
            assert!(Instant::now() < deadline, "{} is not empty", self.temporary.path().display());
            sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Already over, unless a test failed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The step of that name.
fn step<'a>(story: &'a Value, name: &str) -> &'a Value {
    story["steps"].as_array().unwrap().iter().find(|step| step["step"] == name).unwrap()
}

/// Where that piece of the stack listens.
fn address<'a>(story: &'a Value, piece: &str) -> &'a str {
    let stack = story["stack"].as_array().unwrap();
    stack.iter().find(|service| service["name"] == piece).unwrap()["url"].as_str().unwrap()
}

async fn get(url: &str) -> reqwest::Response {
    // An error only means that another test has done it.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap()
}

#[tokio::test]
async fn a_broken_service_becomes_one_incident_with_all_that_one_needs_and_is_closed_again() {
    let _turn = ONE_AT_A_TIME.lock().await;
    // Somebody else has toyprod's usual port: this test, or whoever was here before.
    let taken = TcpListener::bind("127.0.0.1:8000");
    let folder = TempDir::new().unwrap();
    let json = folder.path().join("story.json");
    // Whoever is asked for models takes the question and never answers.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let models = format!("http://{}", hanging.local_addr().unwrap());
    let environment = [
        ("OPSSEER_AI__URL", models.as_str()),
        ("OPSSEER_AI__TIMEOUT", "1s"),
        ("OPSSEER_LLM__URL", models.as_str()),
        ("OPSSEER_LLM__MODEL", "small"),
        ("OPSSEER_LLM__FIRST_WORD_TIMEOUT", "1s"),
    ];
    let mut demo = Demo::start_with(&["--json", json.to_str().unwrap()], &environment);
    demo.until("the story is written", |_| json.exists()).await;
    let story: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();

    let names: Vec<&str> =
        story["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS, "{}", demo.said());
    assert_eq!(story["problems"], serde_json::json!([]));
    assert_eq!(story["ok"], true);
    assert_eq!(step(&story, "chaos began")["seconds"], 0.0);
    let seconds = |name| step(&story, name)["seconds"].as_f64().unwrap();
    assert!(seconds("alert pending") > 0.0 && seconds("alert firing") > seconds("alert pending"));

    // What the story says is what OpsSeer has: one incident, over, with the runbook of its alert.
    let opsseer = address(&story, "OpsSeer");
    let list: Value = get(&format!("{opsseer}/api/v1/incidents")).await.json().await.unwrap();
    let incidents = list["incidents"].as_array().unwrap();
    assert_eq!(incidents.len(), 1, "{list}");
    assert_eq!(incidents[0]["id"], story["incident"]["id"]);
    assert_eq!(incidents[0]["status"], "resolved");
    let runbook = step(&story, "runbook step");
    assert!(
        runbook["place"].as_str().unwrap().starts_with("runbooks/toyprod-high-error-rate.md, "),
        "{runbook}"
    );
    let page = get(story["incident"]["url"].as_str().unwrap()).await;
    assert!(page.status().is_success());

    // What hangs is said, and keeps nobody from anything.
    demo.until_it_says(&format!("by words alone: the AI server at {models} did not answer within 1 s")).await;
    let written = format!("{opsseer}/api/v1/incidents/1/summary/written");
    let written = reqwest::Client::builder().no_proxy().build().unwrap().post(written).send().await.unwrap();
    let written = written.text().await.unwrap();
    assert!(
        written.contains("event: unavailable") && written.contains("said nothing within 1 s"),
        "{written}"
    );

    // The picture is a picture, of this alert's limit.
    let picture = get(step(&story, "picture")["place"].as_str().unwrap()).await;
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    let svg = picture.text().await.unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("limit") && svg.contains("10 %"), "{svg}");

    // Each expression of the dashboards and of Grafana's own rules is understood by this Prometheus, and names what exists.
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/grafana/run-queries");
    let mut queries = tokio::process::Command::new(queries);
    let queries = queries.args(["--prometheus", address(&story, "Prometheus")]).output().await.unwrap();
    let said = [queries.stdout, queries.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(queries.status.success(), "{said}");

    // The port that was taken was left alone, and the newcomer is told.
    assert_ne!(address(&story, "toyprod"), "http://127.0.0.1:8000");
    assert!(demo.said().contains("Port 8000 is taken, so toyprod uses "), "{}", demo.said());
    drop(taken);

    demo.until_it_says("Ctrl-C stops it").await;
    demo.send(Signal::TERM);
    assert!(demo.ended().await.success(), "{}", demo.said());
    for service in story["stack"].as_array().unwrap() {
        let pid = u32::try_from(service["pid"].as_u64().unwrap()).unwrap();
        assert!(!signals::is_alive(pid), "{} is left behind", service["name"]);
    }
    demo.nothing_is_left().await;
}

#[tokio::test]
async fn ctrl_c_in_the_middle_leaves_nothing_behind() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut demo = Demo::start(&["--exit"]);
    demo.until_it_says("chaos began").await;
    demo.send(Signal::INT);
    assert_eq!(demo.ended().await.code(), Some(130), "{}", demo.said());
    demo.nothing_is_left().await;
}

#[tokio::test]
async fn a_demo_that_is_killed_outright_leaves_nothing_behind() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let mut demo = Demo::start(&["--exit"]);
    demo.until_it_says("warm-up").await;
    demo.send(Signal::KILL);
    assert!(!demo.ended().await.success());
    demo.nothing_is_left().await;
}

#[tokio::test]
async fn a_story_without_an_alert_fails_and_says_why() {
    let _turn = ONE_AT_A_TIME.lock().await;
    let folder = TempDir::new().unwrap();
    let calm = folder.path().join("calm.toml");
    let text = "name = 'calm'\ndescription = 'Too mild for an alert.'\n\
        [[phase]]\nname = 'incident'\nduration = '1s'\nrate = 20\nfail_rate = 0.01\n\
        [[phase]]\nname = 'recover'\nduration = '1s'\nrate = 20\n";
    fs::write(&calm, text).unwrap();
    let mut demo = Demo::start(&["--exit", "--scenario", calm.to_str().unwrap()]);
    assert_eq!(demo.ended().await.code(), Some(1), "{}", demo.said());
    let said = demo.said();
    assert!(said.contains("missing: alert pending, alert firing, webhook received"), "{said}");
    assert!(said.contains("alert pending is the first; the likely cause: "), "{said}");
    let log = said.lines().find_map(|line| line.trim().strip_prefix("Prometheus's log: ")).unwrap();
    assert!(fs::read_to_string(log).unwrap().contains("Server is ready"), "the log is kept for reading");
}
