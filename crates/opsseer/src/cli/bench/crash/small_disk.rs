//! A disk that can be filled without harm.

use std::{path::Path, process::Command};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// A file system in memory. Dropping it takes it away.
pub(super) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of this size, which takes Linux and its administrator.
    pub(super) fn mount(mib: u64) -> anyhow::Result<Self> {
        if !cfg!(target_os = "linux") {
            bail!("a small disk is made with Linux' tmpfs");
        }
        let folder = TempDir::with_prefix("opsseer-disk-").context("cannot make a temporary folder")?;
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=700"), "opsseer-bench"])
            .arg(folder.path())
            .output()
            .context("cannot run mount")?;
        if !mount.status.success() {
            let said = String::from_utf8_lossy(&mount.stderr);
            bail!("a small disk can only be mounted by root ({})", said.trim());
        }
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that was just killed may still hold a file. What fails here shows as a folder that is left.
        if let Err(error) = Command::new("umount").arg("--lazy").arg(self.folder.path()).status() {
            tracing::warn!(%error, "cannot take the small disk away");
        }
    }
}
