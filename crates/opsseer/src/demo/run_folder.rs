//! The folder of one run: data, configuration copies, logs. Gone afterwards, unless somebody should read it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

/// The folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    temporary: Option<TempDir>,
}

impl RunFolder {
    /// A temporary one, or `kept`, which must be new or empty.
    pub fn new(kept: Option<PathBuf>) -> anyhow::Result<Self> {
        let Some(path) = kept else {
            let folder = tempfile::Builder::new()
                .prefix("opsseer-demo-")
                .tempdir()
                .context("cannot make a temporary folder")?;
            let path = folder.path().to_owned();
            return Ok(Self { path, temporary: Some(folder) });
        };
        fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        let path = fs::canonicalize(&path).with_context(|| format!("cannot find {}", path.display()))?;
        if fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?.next().is_some() {
            bail!("{} is not empty: the demo begins with nothing, so name a new folder", path.display());
        }
        Ok(Self { path, temporary: None })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made for this run only.
    pub fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// Leaves it where it is when the run is over.
    pub fn keep_for_reading(&mut self) {
        if let Some(folder) = &mut self.temporary {
            folder.disable_cleanup(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_folder_goes_unless_it_is_kept() {
        let folder = RunFolder::new(None).expect("a folder");
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
        let mut folder = RunFolder::new(None).expect("a folder");
        let path = folder.path().to_owned();
        folder.keep_for_reading();
        drop(folder);
        assert!(path.exists());
        fs::remove_dir_all(path).expect("removed");
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let outer = tempfile::tempdir().expect("a folder");
        let path = outer.path().join("run");
        assert!(!RunFolder::new(Some(path.clone())).expect("a new one").is_temporary());
        fs::write(path.join("opsseer.db"), "").expect("written");
        let error = RunFolder::new(Some(path.clone())).expect_err("not empty");
        assert!(error.to_string().contains("is not empty"), "{error}");
        assert!(path.join("opsseer.db").exists());
    }
}
