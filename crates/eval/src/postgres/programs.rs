use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use super::PostgresError;

/// Where Debian keeps the programs of each version, apart from the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The user that Debian's package makes.
const USER: &str = "postgres";

/// PostgreSQL's programs, and as whom they are run.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    /// Set when this process is root, which PostgreSQL refuses.
    instead_of_root: Option<Owner>,
}

#[derive(Debug)]
struct Owner {
    user: u32,
    group: u32,
}

impl Programs {
    /// Those on the PATH, else the newest that Debian has installed.
    pub(super) fn find() -> Result<Self, PostgresError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let has_all = |folder: &PathBuf| {
            ["initdb", "pg_ctl", "createdb"].iter().all(|name| folder.join(name).is_file())
        };
        let found = env::split_paths(&path).chain(debian()).find(has_all);
        let folder = found.ok_or(PostgresError::NotInstalled { looked_in: DEBIAN })?;
        let instead_of_root = if id(&["-u"]) == Some(0) {
            let owner = id(&["-u", USER]).zip(id(&["-g", USER])).map(|(user, group)| Owner { user, group });
            Some(owner.ok_or(PostgresError::NoUser)?)
        } else {
            None
        };
        Ok(Self { folder, instead_of_root })
    }

    /// A program, to be run by the cluster's owner in a folder that this owner can reach.
    pub(super) fn command(&self, name: &str, folder: &Path) -> tokio::process::Command {
        let program = self.folder.join(name);
        let mut command = if self.instead_of_root.is_some() {
            let mut command = tokio::process::Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(program);
            command
        } else {
            tokio::process::Command::new(program)
        };
        command.current_dir(folder).stdin(std::process::Stdio::null()).kill_on_drop(true);
        // Settings of the user's own PostgreSQL are not for this one.
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGSERVICE"] {
            command.env_remove(name);
        }
        command
    }

    /// Makes the cluster's owner the owner of a file or folder.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        match &self.instead_of_root {
            #[cfg(unix)]
            Some(owner) => std::os::unix::fs::chown(path, Some(owner.user), Some(owner.group)),
            _ => Ok(()),
        }
    }
}

/// Debian's folders of programs, the newest version first.
fn debian() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder)
}

/// What the command `id` says: the standard library does not know who it is.
fn id(arguments: &[&str]) -> Option<u32> {
    let said = Command::new("id").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(said.stdout).ok()?.trim().parse().ok()
}
