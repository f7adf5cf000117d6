//! The command as an operator calls it.

use std::process::{Command, Output, Stdio};

fn opsseer(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_opsseer"));
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder.path()).output().unwrap()
}

#[test]
fn the_environment_wins_over_the_defaults_and_strangers_in_it_are_left_alone() {
    // Kubernetes sets the first two beside a Service that is called opsseer.
    let environment = [
        ("OPSSEER_PORT", "tcp://10.0.0.1:8888"),
        ("OPSSEER_SERVICE_HOST", "10.0.0.1"),
        ("OPSSEER_HTTP__BIND", "127.0.0.1:7777"),
        ("OPSSEER_DATA_DIR", "elsewhere"),
    ];
    let printed = opsseer(&["config", "print", "--json"], &environment);
    assert!(printed.status.success(), "{printed:?}");
    let config: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(
        (config["http"]["bind"].as_str(), config["data_dir"].as_str()),
        (Some("127.0.0.1:7777"), Some("elsewhere"))
    );
}

#[test]
fn a_setting_that_is_not_understood_is_named() {
    let checked = opsseer(&["config", "check"], &[("OPSSEER_HTTP__BNID", "x")]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("bnid"), "{checked:?}");
}

#[test]
fn a_taken_port_is_said_before_anything_is_written() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let served = opsseer(&["serve"], &[("OPSSEER_HTTP__BIND", &address)]);
    assert_eq!(served.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&served.stderr).contains(&format!("cannot listen on {address}")),
        "{served:?}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_opsseer"));
    let printed = command.arg("metrics").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let printed = printed.wait_with_output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    assert_eq!(String::from_utf8_lossy(&printed.stderr), "");
}
