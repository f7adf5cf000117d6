//! How long a scrape takes with so many containers, and what watching them costs, beside the way of asking Docker for
//! one container's stats after the other.
//!
//! `cargo run --release -p opsseer-container-exporter --example scrape_speed -- 1 5 20 50 200`
//!
//! It uses the engine of `DOCKER_HOST` if that is a Unix socket, else one that it starts itself, which needs root.
//! Containers of `sleep` are added until there are as many as asked for, and removed at the end.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark reports to its reader")]
#![expect(clippy::disallowed_methods, reason = "a benchmark has no configuration but its environment")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop")]

#[path = "../tests/it/engine.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod engine;

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

use clap::Parser;
use engine::Engine;
use futures::StreamExt;
use opsseer_container_exporter::{DockerHost, Settings, serve};
use serde_json::json;

/// Measures scrapes.
#[derive(Parser)]
struct Args {
    /// How many containers, one measurement each.
    #[arg(default_values_t = [1, 5, 20, 50, 200])]
    containers: Vec<u32>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
    /// How long processor time is measured, in seconds, with a scrape every 15 seconds as Prometheus would.
    #[arg(long, default_value_t = 60)]
    window_s: u64,
    /// Scrapes to time at each size.
    #[arg(long, default_value_t = 40)]
    scrapes: usize,
    /// Docker is asked for the stats of at most so many containers; the serial way's time for more is their multiple.
    #[arg(long, default_value_t = 20)]
    serial_sample: u32,
    /// Is the exporter, in a process of its own so that its memory and time are its own.
    #[arg(long, hide = true)]
    serve: Option<PathBuf>,
}

/// One measurement.
struct Measured {
    containers: u32,
    median_ms: f64,
    worst_ms: f64,
    bytes: usize,
    exporter: Cost,
    dockerd: Cost,
    serial_s: f64,
    serial_is_projected: bool,
}

/// What a process used in the window.
#[derive(Clone, Copy)]
struct Cost {
    /// Processor time in percent of one core.
    cpu_percent: f64,
    resident_mib: f64,
}

#[tokio::main(worker_threads = 1)]
async fn main() {
    let args = Args::parse();
    if let Some(socket) = args.serve {
        return be_the_exporter(&socket).await;
    }
    let engine = match env::var("DOCKER_HOST").ok().as_deref().and_then(|host| host.strip_prefix("unix://")) {
        Some(socket) => Engine::running_at(Path::new(socket)).await,
        None if engine::missing().is_none() => Engine::start().await,
        None => {
            eprintln!(
                "no Docker: set DOCKER_HOST=unix:///path, or, to start one: {}",
                engine::missing().unwrap()
            );
            return;
        }
    };
    let mut measured = Vec::new();
    let mut sizes = args.containers.clone();
    sizes.sort_unstable();
    for (index, size) in sizes.iter().enumerate() {
        let there = if index == 0 { 0 } else { sizes[index - 1] };
        eprintln!("starting {} containers", size - there);
        futures::stream::iter(there..*size)
            .for_each_concurrent(4, async |number| {
                engine.run(&format!("scrape-speed-{number}"), "exec sleep 86400", json!({})).await;
            })
            .await;
        measured.push(measure(&engine, *size, &args).await);
    }
    engine.remove_all().await;
    if args.json { print_json(&measured) } else { print_table(&measured) }
}

async fn be_the_exporter(socket: &Path) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    let settings = Settings::new(DockerHost::Unix(socket.to_str().unwrap().to_owned()));
    serve(listener, settings, SystemTime::now(), std::future::pending()).await.unwrap();
}

async fn measure(engine: &Engine, containers: u32, args: &Args) -> Measured {
    let exporter = Exporter::start(&engine.socket);
    let dockerd = daemon_of(&engine.socket).await;
    let deadline = Instant::now() + engine::PATIENCE;
    while figures(&exporter.scrape()) < containers {
        assert!(Instant::now() < deadline, "the exporter does not see all containers");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    eprintln!("{containers} containers: scrapes");
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..args.scrapes.max(1) {
        let began = Instant::now();
        let page = exporter.scrape();
        times.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(figures(&page), containers);
        bytes = page.len();
    }
    times.sort_unstable_by(f64::total_cmp);

    eprintln!("{containers} containers: {} s with a scrape every 15 s", args.window_s);
    let before = (processor_seconds(exporter.pid()), processor_seconds(dockerd));
    let began = Instant::now();
    let window = Duration::from_secs(args.window_s.max(1));
    while began.elapsed() < window {
        exporter.scrape();
        tokio::time::sleep(Duration::from_secs(15).min(window.saturating_sub(began.elapsed()))).await;
    }
    let took = began.elapsed().as_secs_f64();
    let cost = |pid, before| Cost {
        cpu_percent: (processor_seconds(pid) - before) / took * 100.0,
        resident_mib: resident_mib(pid),
    };
    let (exporter_cost, dockerd_cost) = (cost(exporter.pid(), before.0), cost(dockerd, before.1));

    eprintln!("{containers} containers: the serial way");
    let (serial_s, sampled) = serial(engine, containers.min(args.serial_sample)).await;
    Measured {
        containers,
        median_ms: times[times.len() / 2],
        worst_ms: times[times.len() - 1],
        bytes,
        exporter: exporter_cost,
        dockerd: dockerd_cost,
        serial_s: serial_s / f64::from(sampled) * f64::from(containers),
        serial_is_projected: sampled < containers,
    }
}

/// Asks Docker for the stats of so many containers, one after the other, and tells how long that took.
async fn serial(engine: &Engine, containers: u32) -> (f64, u32) {
    let began = Instant::now();
    for number in 0..containers {
        let options = bollard::query_parameters::StatsOptionsBuilder::new().stream(false).build();
        let answer =
            Box::pin(engine.docker.stats(&format!("scrape-speed-{number}"), Some(options))).next().await;
        answer.unwrap().unwrap();
    }
    (began.elapsed().as_secs_f64(), containers)
}

struct Exporter {
    process: Child,
    address: String,
}

impl Exporter {
    fn start(socket: &Path) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .arg("--serve")
            .arg(socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }

    fn pid(&self) -> u32 {
        self.process.id()
    }

    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How many containers an exposition has figures of.
fn figures(page: &str) -> u32 {
    let lines = page.lines().filter(|line| line.starts_with("docker_container_cpu_seconds_total{"));
    lines.count().try_into().unwrap()
}

/// The process that listens at a socket.
async fn daemon_of(socket: &Path) -> u32 {
    let stream = tokio::net::UnixStream::connect(socket).await.unwrap();
    stream.peer_cred().unwrap().pid().unwrap().try_into().unwrap()
}

/// Processor time that a process has used, in seconds.
fn processor_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Fields 14 and 15, counted from field 3, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap() / 1024.0
}

fn print_table(measured: &[Measured]) {
    println!(
        "| containers | scrape, median ms | worst ms | KiB | exporter: CPU % of a core, MiB | dockerd: CPU %, MiB | one after the other, s | times slower |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for row in measured {
        let Measured { containers, median_ms, worst_ms, exporter, dockerd, serial_s, .. } = row;
        let kib = row.bytes / 1024;
        let projected = if row.serial_is_projected { "about " } else { "" };
        let slower = serial_s * 1e3 / median_ms;
        println!(
            "| {containers} | {median_ms:.1} | {worst_ms:.1} | {kib} | {:.2}, {:.1} | {:.2}, {:.1} | {projected}{serial_s:.1} | {slower:.0} |",
            exporter.cpu_percent, exporter.resident_mib, dockerd.cpu_percent, dockerd.resident_mib,
        );
    }
}

fn print_json(measured: &[Measured]) {
    let rows: Vec<_> = measured
        .iter()
        .map(|row| {
            json!({
                "containers": row.containers,
                "scrape_median_ms": row.median_ms,
                "scrape_worst_ms": row.worst_ms,
                "scrape_bytes": row.bytes,
                "exporter": {"cpu_percent": row.exporter.cpu_percent, "resident_mib": row.exporter.resident_mib},
                "dockerd": {"cpu_percent": row.dockerd.cpu_percent, "resident_mib": row.dockerd.resident_mib},
                "serial_s": row.serial_s,
                "serial_is_projected": row.serial_is_projected,
            })
        })
        .collect();
    println!("{}", json!({"scrape_speed": rows}));
}
