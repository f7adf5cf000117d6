//! One process at a time works on a SQLite database: two would each believe that they know all that is announced, and
//! would run every job's clock on their own.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
    sync::Arc,
};

use crate::StoreError;

/// Holds the database until it is released, or the process ends in whatever way.
#[derive(Debug, Clone)]
pub(crate) struct InUse(Arc<File>);

impl InUse {
    /// Takes the database in `file` for this process.
    pub(super) fn take(file: &Path) -> Result<Self, StoreError> {
        let mut name = file.as_os_str().to_owned();
        name.push(".lock");
        let failed =
            |source| StoreError::File { doing: "lock", path: Path::new(&name).display().to_string(), source };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&name).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self(Arc::new(lock))),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse(file.display().to_string())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub(super) fn release(&self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the database's lock cannot be released before this process ends");
        }
    }
}
