//! Cleans up when the owner of the stack is killed outright and cannot do it itself.
//!
//! A shell reads from a pipe that the owner holds. However the owner ends, the kernel closes the pipe; the shell then
//! stops the process groups that it was told of last and removes the folder. An owner that ends well tells it of none.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// `$1` is the folder to remove, or empty. All groups together have five seconds to stop. `kill -s` is what every
/// shell understands before `--`.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
groups=
while read -r line; do groups=$line; done
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
left=50
for group in $groups; do
    while [ "$left" -gt 0 ] && kill -s 0 -- "-$group" 2>/dev/null; do
        sleep 0.1
        left=$((left - 1))
    done
    kill -s KILL -- "-$group" 2>/dev/null
done
if [ -n "$groups" ] && [ -n "$1" ]; then rm -rf -- "$1"; fi
"#;

/// The waiting shell. Dropping it lets it act on what it was told last.
#[derive(Debug)]
pub struct Guard {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts it. `folder` is removed if the owner is killed while processes run.
    pub fn start(folder: Option<&Path>) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "opsseer-guard"]).arg(folder.unwrap_or(Path::new("")));
        command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut shell = command.spawn()?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Says which process groups run now, by their leaders.
    pub fn tell(&mut self, groups: &[u32]) -> io::Result<()> {
        let line = groups.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        match &mut self.pipe {
            Some(pipe) => writeln!(pipe, "{line}"),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.pipe = None;
        if let Err(error) = self.shell.wait() {
            tracing::warn!(%error, "cannot wait for the shell that guards the stack");
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::CommandExt as _;

    use super::*;

    fn sleeper() -> Child {
        Command::new("/bin/sleep").arg("600").process_group(0).spawn().expect("sleep starts")
    }

    #[test]
    fn the_groups_told_last_are_stopped_and_the_folder_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut spared, mut stopped) = (sleeper(), sleeper());
        // The shell waits for it to be gone, and only its parent can take it off the list of processes.
        let pid = stopped.id();
        let (ended, status) = std::sync::mpsc::channel();
        std::thread::spawn(move || ended.send(stopped.wait()));
        let mut guard = Guard::start(Some(folder.path())).expect("a shell");
        guard.tell(&[spared.id(), pid]).expect("told");
        guard.tell(&[pid]).expect("told");
        drop(guard);
        let status =
            status.recv_timeout(std::time::Duration::from_secs(20)).expect("it ended").expect("waited");
        assert!(!status.success(), "{status}");
        assert!(!folder.path().exists());
        assert!(spared.try_wait().expect("asked").is_none(), "it was not on the last list");
        spared.kill().expect("killed");
        spared.wait().expect("waited");
    }

    #[test]
    fn an_owner_that_ended_well_keeps_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut guard = Guard::start(Some(folder.path())).expect("a shell");
        guard.tell(&[1_999_999_999]).expect("told");
        guard.tell(&[]).expect("told");
        drop(guard);
        assert!(folder.path().exists());
    }
}
