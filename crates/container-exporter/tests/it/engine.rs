//! A Docker engine of the test's own, with one tiny image, gone when the test's process ends.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bollard::{
    API_DEFAULT_VERSION, Docker, body_full,
    models::ContainerCreateBody,
    query_parameters::{
        CreateContainerOptionsBuilder, CreateImageOptionsBuilder, ListContainersOptionsBuilder,
        RemoveContainerOptionsBuilder, StartContainerOptions,
    },
};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// The image's name.
pub(crate) const IMAGE: &str = "opsseer-test:busybox";

/// The label of containers made here.
const LABEL: &str = "opsseer-test";

/// What the image can do.
const PROGRAMS: [&str; 8] = ["sh", "sleep", "dd", "cat", "ping", "true", "false", "ls"];

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A Docker engine that is running.
pub(crate) struct Engine {
    /// Its client.
    pub(crate) docker: Docker,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    daemon: Option<Daemon>,
}

/// A dockerd that was started here. A shell stands between: when this process ends, however that happens, the shell's
/// input is closed, and it stops the engine and removes its folder.
struct Daemon {
    shell: Child,
    folder: PathBuf,
}

/// Starts dockerd in the folder `$1`, waits for the end of the input, stops it, and removes the folder. Stopped daemons
/// leave mounts behind now and then. It has a network of its own: a dockerd that is told to have no bridge removes the
/// one named `docker0`, which can be that of the host's engine.
const KEEPER: &str = r#"
unshare --net -- dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/docker.sock" \
    --bridge=none --iptables=false --shutdown-timeout=2 > "$1/log" 2>&1 &
daemon=$!
read -r how
kill "$daemon" 2> /dev/null
wait "$daemon" 2> /dev/null
[ "$how" = keep ] && exit 0
for mount in $(awk -v under="$1/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r); do
    umount -l "$mount" 2> /dev/null
done
rm -rf "$1"
"#;

/// Why there can be no engine here; a test then says so and ends.
pub(crate) fn missing() -> Option<&'static str> {
    let on_path = |program: &str| {
        std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()))
    };
    if !is_root() {
        return Some("only root can start a Docker engine");
    }
    if !on_path("dockerd") {
        return Some("there is no dockerd (Debian: docker.io)");
    }
    if !on_path("busybox") {
        return Some("there is no busybox (Debian: busybox-static)");
    }
    None
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.strip_prefix("Uid:").is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0")))
}

impl Engine {
    /// Starts an engine of its own.
    pub(crate) async fn start() -> Self {
        // Sockets' paths are short: a folder below the target directory could be too deep.
        let folder = tempfile::Builder::new().prefix("ce").tempdir_in("/tmp").unwrap().keep();
        let daemon = Daemon::start(folder);
        let engine = Self::reach(&daemon.folder.join("docker.sock"), &daemon.folder.join("log")).await;
        let engine = Self { daemon: Some(daemon), ..engine };
        engine.import_image().await;
        engine
    }

    /// Uses the engine that listens at `socket`.
    #[allow(dead_code, reason = "only the benchmark, which shares this file, needs it")]
    pub(crate) async fn running_at(socket: &Path) -> Self {
        let engine = Self::reach(socket, Path::new("")).await;
        engine.import_image().await;
        engine
    }

    async fn reach(socket: &Path, log: &Path) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(docker) = Docker::connect_with_unix(socket.to_str().unwrap(), 60, API_DEFAULT_VERSION)
                && let Ok(docker) = docker.negotiate_version().await
            {
                return Self { docker, socket: socket.to_owned(), daemon: None };
            }
            assert!(
                Instant::now() < deadline,
                "no Docker at {}: {}",
                socket.display(),
                fs::read_to_string(log).unwrap_or_default()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the engine, and with it all containers. [`Self::start_again`] brings it back.
    pub(crate) fn stop(&mut self) {
        self.daemon.as_mut().expect("an engine of its own").stop("keep");
    }

    /// Starts the engine that was stopped.
    pub(crate) async fn start_again(&mut self) {
        let folder = self.daemon.take().expect("an engine of its own").folder.clone();
        let daemon = Daemon::start(folder);
        let engine = Self::reach(&self.socket, &daemon.folder.join("log")).await;
        self.docker = engine.docker;
        self.daemon = Some(daemon);
    }

    async fn import_image(&self) {
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(IMAGE).build();
        let body = body_full(image().into());
        let progress = self.docker.create_image(Some(options), Some(body), None);
        progress.try_collect::<Vec<_>>().await.unwrap();
    }

    /// Makes and starts a container that runs `script`. `more` is merged into what Docker is told.
    pub(crate) async fn run(&self, name: &str, script: &str, more: Value) -> String {
        let id = self.create(name, script, more).await;
        self.docker.start_container(&id, None::<StartContainerOptions>).await.unwrap();
        id
    }

    /// Makes a container without starting it.
    pub(crate) async fn create(&self, name: &str, script: &str, more: Value) -> String {
        let mut told = json!({
            "Image": IMAGE,
            "Cmd": ["sh", "-c", script],
            // A shell that is the first process ignores SIGTERM; nobody shall wait for it.
            "StopSignal": "KILL",
            "Labels": {LABEL: "1"},
            "HostConfig": {"NetworkMode": "none"},
        });
        merge(&mut told, more);
        let body: ContainerCreateBody = serde_json::from_value(told).unwrap();
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        self.docker.create_container(Some(options), body).await.unwrap().id
    }

    /// Removes a container, running or not.
    pub(crate) async fn remove(&self, id: &str) {
        let options = RemoveContainerOptionsBuilder::new().force(true).build();
        self.docker.remove_container(id, Some(options)).await.unwrap();
    }

    /// Removes all containers that were made here, several at once.
    pub(crate) async fn remove_all(&self) {
        let mine = HashMap::from([("label", vec![LABEL])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&mine).build();
        let containers = self.docker.list_containers(Some(options)).await.unwrap();
        let ids = containers.into_iter().filter_map(|container| container.id);
        futures::stream::iter(ids).for_each_concurrent(4, async |id| self.remove(&id).await).await;
    }

    /// The figures that `docker stats` rests on.
    pub(crate) async fn stats(&self, id: &str) -> bollard::models::ContainerStatsResponse {
        let options =
            bollard::query_parameters::StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        Box::pin(self.docker.stats(id, Some(options))).next().await.unwrap().unwrap()
    }
}

impl Daemon {
    fn start(folder: PathBuf) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&folder).stdin(Stdio::piped());
        Self { shell: command.spawn().unwrap(), folder }
    }

    fn stop(&mut self, how: &str) {
        if let Some(mut input) = self.shell.stdin.take() {
            writeln!(input, "{how}").unwrap();
        }
        self.shell.wait().unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.shell.stdin.is_some() {
            self.stop("remove");
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// A root file system with the host's busybox, as tar.
fn image() -> Vec<u8> {
    let places = ["/bin/busybox", "/usr/bin/busybox"];
    let busybox = places.into_iter().find_map(|place| fs::read(place).ok()).expect("busybox in its place");
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(busybox.len() as u64);
    tar.append_data(&mut header, "bin/busybox", busybox.as_slice()).unwrap();
    for program in PROGRAMS {
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, format!("bin/{program}"), "busybox").unwrap();
    }
    tar.into_inner().unwrap()
}
