//! The program: its exit status and how it stops.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

fn program(bind: &str, docker: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_container-exporter"));
    command.env("CONTAINER_EXPORTER_BIND", bind).env("DOCKER_HOST", docker).env_remove("RUST_LOG");
    command.stderr(Stdio::piped());
    command
}

#[test]
fn a_taken_port_is_told_with_the_address_and_exits_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = program(&address, "unix:///nowhere/docker.sock").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&address) && log.contains("cannot listen"), "{log}");
}

#[test]
fn a_docker_host_that_cannot_be_spoken_to_is_refused_at_once() {
    let output = program("127.0.0.1:0", "ssh://me@host").output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{log}");
    assert!(log.contains("ssh://me@host") && log.contains("tunnel"), "{log}");
}

/// Kills the child if the test fails before it has ended.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(unix)]
#[test]
fn without_docker_it_goes_on_says_so_and_still_stops_politely() {
    let mut child = KillOnDrop(program("127.0.0.1:0", "unix:///nowhere/docker.sock").spawn().unwrap());
    let mut log = BufReader::new(child.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("container-exporter listens")), "it ended without listening");
    // Twice: it tries again by itself.
    for _ in 0..2 {
        let lost = log.find(|line| line.contains("Docker is lost")).unwrap();
        assert!(lost.contains("/nowhere/docker.sock"), "{lost}");
    }
    let sent = Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(log.any(|line| line.contains("SIGTERM")), "the log does not say why it stopped");
}
