//! An exporter under test, and what it exposes.

use std::{
    fmt::Write,
    path::Path,
    process::Stdio,
    str::FromStr,
    time::{Duration, SystemTime},
};

use opsseer_container_exporter::{DockerHost, Settings, serve};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

use crate::engine::PATIENCE;

/// How long a scrape may take in a test, on a machine that has other things to do too. Prometheus waits 10 seconds.
const SCRAPE: Duration = Duration::from_secs(5);

/// An exporter, in this process or as one of its own.
pub(crate) struct Exporter {
    address: String,
    /// Killed when this is dropped.
    _process: Option<Child>,
    task: Option<JoinHandle<()>>,
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The settings for the engine at `socket`, with short limits.
pub(crate) fn settings(socket: &Path) -> Settings {
    let mut settings = Settings::new(DockerHost::Unix(socket.to_str().unwrap().to_owned()));
    settings.docker_timeout = Duration::from_secs(20);
    settings.list_every = Duration::from_secs(2);
    settings
}

impl Exporter {
    /// Runs it in this process.
    pub(crate) async fn here(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let task = tokio::spawn(async move {
            serve(listener, settings, SystemTime::UNIX_EPOCH, std::future::pending()).await.unwrap();
        });
        Self { address, _process: None, task: Some(task) }
    }

    /// Runs the program, so that what it holds open can be told from what the test holds open.
    pub(crate) async fn program(socket: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_container-exporter"))
            .env("CONTAINER_EXPORTER_BIND", "127.0.0.1:0")
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env_remove("RUST_LOG")
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = loop {
            let line = log.next_line().await.unwrap().expect("it says where it listens");
            if let Some((_, rest)) = line.split_once("address=") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        // Its log goes on, and a full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        Self { address, _process: Some(process), task: None }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Scrapes once. That an answer comes at all, and in time, is a part of every test.
    pub(crate) async fn scrape(&self) -> Page {
        let answer = timeout(SCRAPE, get(&self.address, "/metrics")).await.expect("a scrape in time");
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.body.ends_with("# EOF\n"), "cut off: {}", answer.body);
        Page(answer.body)
    }

    /// Scrapes until `good` says so.
    pub(crate) async fn until(&self, what: &str, good: impl Fn(&Page) -> bool) -> Page {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = self.scrape().await;
            if good(&page) {
                return page;
            }
            assert!(Instant::now() < deadline, "still not: {what}. The last scrape:\n{}", page.0);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Scrapes until Docker is followed and the containers of these names are known with figures.
    pub(crate) async fn knows(&self, names: &[&str]) -> Page {
        let known = |page: &Page, name: &&str| page.of(name, "docker_container_cpu_seconds_total").is_some();
        self.until("all containers have figures", |page| names.iter().all(|name| known(page, name))).await
    }
}

/// An answer over HTTP.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// GET, without a client's cleverness.
pub(crate) async fn get(address: &str, path: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = String::new();
    write!(request, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, body: body.to_owned() }
}

/// What was exposed at one moment.
pub(crate) struct Page(pub(crate) String);

impl Page {
    /// The value of a series without labels, or with exactly these.
    pub(crate) fn value(&self, series: &str) -> Option<f64> {
        self.parse(series)
    }

    /// The same for a whole number of any size.
    pub(crate) fn whole(&self, name: &str, metric: &str) -> Option<u64> {
        let id = self.label(name, "container_id")?;
        self.parse(&format!("{metric}{{container_id=\"{id}\"}}"))
    }

    fn parse<T: FromStr>(&self, series: &str) -> Option<T> {
        self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// A metric of the container of this name.
    pub(crate) fn of(&self, name: &str, metric: &str) -> Option<f64> {
        let id = self.label(name, "container_id")?;
        self.value(&format!("{metric}{{container_id=\"{id}\"}}"))
    }

    /// A label of the container of this name.
    pub(crate) fn label(&self, name: &str, label: &str) -> Option<&str> {
        let named = format!(",name=\"{name}\",");
        let mut lines = self.0.lines().filter(|line| line.starts_with("docker_container_info{"));
        let info = lines.find(|line| line.contains(&named))?;
        info.split_once(&format!("{label}=\""))?.1.split('"').next()
    }

    /// How many containers are known.
    pub(crate) fn containers(&self) -> usize {
        self.0.lines().filter(|line| line.starts_with("docker_container_info{")).count()
    }

    /// How many containers' figures come from `source`.
    pub(crate) fn sources(&self, source: &str) -> u64 {
        self.parse(&format!("container_exporter_containers{{source=\"{source}\"}}")).unwrap()
    }
}
