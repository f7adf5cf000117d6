//! What runs, in a file that the supervisor writes and the other commands read.
//!
//! A lock on a file beside it says whether the supervisor lives: the kernel gives it back however the supervisor ends,
//! and a process number that has gone to somebody else misleads nobody.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::super::profile::Profile;
use super::super::stack::Stack;

/// What runs, as the supervisor wrote it down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) supervisor: u32,
    pub(super) profile: Profile,
    pub(super) services: Vec<ServiceState>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ServiceState {
    pub(super) name: String,
    pub(super) pid: u32,
    pub(super) url: String,
    pub(super) ready_url: String,
    log: PathBuf,
}

impl State {
    pub(super) fn of(stack: &Stack, profile: Profile) -> Self {
        let services = stack.services().iter().map(|service| {
            let url = format!("http://{}", service.address);
            ServiceState {
                name: service.piece.name().to_owned(),
                pid: service.process.pid(),
                ready_url: format!("{url}{}", service.piece.readiness_path()),
                url,
                log: service.process.log().to_owned(),
            }
        });
        Self { supervisor: std::process::id(), profile, services: services.collect() }
    }

    /// What runs, if its supervisor does.
    pub(super) fn of_running(file: &Path) -> anyhow::Result<Option<Self>> {
        if is_held(file)? { Self::read(file) } else { Ok(None) }
    }

    /// What the file says; nothing if there is none.
    pub(super) fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let state = serde_json::from_str(&text);
        state.map(Some).with_context(|| format!("{} is not understood; remove it", file.display()))
    }

    /// Whole or not at all: a reader may look at any moment.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let draft = file.with_extension("draft");
        let write = || format!("cannot write {}", file.display());
        fs::write(&draft, serde_json::to_vec_pretty(self).with_context(write)?).with_context(write)?;
        fs::rename(&draft, file).with_context(write)
    }

    /// A line each.
    pub(super) fn listed(&self) -> String {
        let lines = self.services.iter().map(|service| format!("  {:<18} {}", service.name, service.url));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Takes the file away, if it is there.
    pub(super) fn remove(file: &Path) -> anyhow::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", file.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Held by the supervisor as long as it lives.
#[derive(Debug)]
pub(super) struct Held {
    _lock: File,
}

/// Takes the lock beside `file`; nothing if another supervisor has it.
pub(super) fn hold(file: &Path) -> anyhow::Result<Option<Held>> {
    let path = file.with_extension("lock");
    let locked = || format!("cannot lock {}", path.display());
    let lock = File::options().create(true).truncate(false).write(true).open(&path).with_context(locked)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(Held { _lock: lock })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(locked),
    }
}

/// Whether a supervisor lives.
pub(super) fn is_held(file: &Path) -> anyhow::Result<bool> {
    let path = file.with_extension("lock");
    Ok(path.exists() && hold(file)?.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_comes_back_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state.json");
        assert_eq!(State::read(&file).expect("no file is no error"), None);
        let service = ServiceState {
            name: "toyprod".to_owned(),
            pid: 7,
            url: "http://127.0.0.1:8000".to_owned(),
            ready_url: "http://127.0.0.1:8000/healthz".to_owned(),
            log: "toyprod.log".into(),
        };
        let state = State { supervisor: 1, profile: Profile::Fast, services: vec![service] };
        state.write(&file).expect("written");
        assert_eq!(State::read(&file).expect("read"), Some(state));
        fs::write(&file, "{").expect("written");
        assert!(State::read(&file).expect_err("half a file").to_string().contains("remove it"));
    }

    #[test]
    fn what_a_dead_supervisor_wrote_is_not_believed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("state.json");
        let state = State { supervisor: std::process::id(), profile: Profile::Stock, services: vec![] };
        state.write(&file).expect("written");
        assert_eq!(State::of_running(&file).expect("looked"), None);
        let held = hold(&file).expect("locked").expect("nobody has it");
        assert_eq!(State::of_running(&file).expect("looked"), Some(state));
        assert!(hold(&file).expect("tried").is_none(), "there is one supervisor at most");
        drop(held);
        assert_eq!(State::of_running(&file).expect("looked"), None);
    }
}
