//! The binary: its exit status and how it stops.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

fn toyprod(bind: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toyprod"));
    command.env("TOYPROD_BIND", bind).env_remove("RUST_LOG").stderr(Stdio::piped());
    command
}

#[test]
fn a_taken_port_is_told_with_the_address_and_exits_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = toyprod(&address).output().unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains(&address) && log.contains("cannot listen"), "{log}");
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
fn sigterm_stops_it_politely() {
    let mut child = KillOnDrop(toyprod("127.0.0.1:0").spawn().unwrap());
    let mut log = BufReader::new(child.0.stderr.take().unwrap()).lines();
    let listens = log.find(|line| line.as_ref().unwrap().contains("toyprod listens"));
    assert!(listens.is_some(), "it ended without listening");
    let sent = Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.0.wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(log.any(|line| line.unwrap().contains("SIGTERM")), "the log does not say why it stopped");
}
