//! A copy of everything, taken while the server works.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{StoreConfig, StoreError, assets::path_of};

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// How many incidents.
    pub incidents: i64,
    /// How many files.
    pub assets: usize,
    /// Files that the database names and that are not in the asset folder: lost before this backup.
    pub missing: Vec<String>,
    /// The size of the backup's file.
    pub bytes: u64,
}

/// Writes the SQLite database and its files as they are at one moment into a tar archive: `opsseer.db` and `assets/`, as
/// they lie in a data folder. A server may go on working meanwhile. `file` must not exist; it is there only once it is
/// whole and on the disk.
pub async fn backup(config: &StoreConfig, file: &Path) -> Result<Backup, StoreError> {
    if !config.url.starts_with("sqlite:") {
        return Err(StoreError::BackupOfPostgres);
    }
    if file.exists() {
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(StoreError::File { doing: "write", path: file.display().to_string(), source });
    }
    let parts = Parts { database: beside(file, "database.part"), archive: beside(file, "part") };
    let made = make(config, file, &parts).await;
    for part in [&parts.database, &parts.archive] {
        match fs::remove_file(part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, part = %part.display(), "a part of the backup is left behind");
            }
            _ => {}
        }
    }
    made
}

struct Parts {
    database: PathBuf,
    archive: PathBuf,
}

async fn make(config: &StoreConfig, file: &Path, parts: &Parts) -> Result<Backup, StoreError> {
    let incidents;
    let assets: Vec<String>;
    {
        let failed = |source| StoreError::Open { url: config.url.clone(), source };
        let options =
            SqliteConnectOptions::from_str(&config.url).map_err(failed)?.busy_timeout(config.timeout);
        let mut source = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        sqlx::query("vacuum into $1")
            .bind(parts.database.display().to_string())
            .execute(&mut source)
            .await
            .map_err(StoreError::query("copy the database"))?;
        source.close().await.map_err(StoreError::query("close the database"))?;

        let options = SqliteConnectOptions::new().filename(&parts.database);
        let mut copy = SqliteConnection::connect_with(&options).await.map_err(failed)?;
        let sound: String = sqlx::query_scalar("pragma integrity_check")
            .fetch_one(&mut copy)
            .await
            .map_err(StoreError::query("check the copy"))?;
        if sound != "ok" {
            return Err(StoreError::Unreadable { what: "database", value: sound });
        }
        incidents = sqlx::query_scalar("select count(*) from incidents")
            .fetch_one(&mut copy)
            .await
            .map_err(StoreError::query("count incidents"))?;
        assets = sqlx::query_scalar("select sha256 from assets order by sha256")
            .fetch_all(&mut copy)
            .await
            .map_err(StoreError::query("list the files"))?;
        copy.close().await.map_err(StoreError::query("close the copy"))?;
    }
    let (folder, to) = (config.assets.clone(), file.to_owned());
    let (database, archive) = (parts.database.clone(), parts.archive.clone());
    let packed = tokio::task::spawn_blocking(move || {
        let missing = pack(&database, &folder, &assets, &archive)?;
        let bytes = fs::metadata(&archive)?.len();
        fs::rename(&archive, &to)?;
        if let Some(parent) = to.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Backup { incidents, assets: assets.len() - missing.len(), missing, bytes })
    });
    let path = file.display().to_string();
    match packed.await {
        Ok(packed) => packed.map_err(|source| StoreError::File { doing: "write", path, source }),
        Err(error) => Err(StoreError::File { doing: "write", path, source: io::Error::other(error) }),
    }
}

/// Gives the names of files that are not there.
fn pack(database: &Path, folder: &Path, assets: &[String], archive: &Path) -> io::Result<Vec<String>> {
    let mut tar = tar::Builder::new(File::create_new(archive)?);
    tar.append_path_with_name(database, "opsseer.db")?;
    let mut missing = Vec::new();
    for sha256 in assets {
        let path = path_of(folder, sha256);
        match File::open(&path) {
            Ok(mut content) => tar.append_file(path_of(Path::new("assets"), sha256), &mut content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(sha256.clone()),
            Err(error) => return Err(error),
        }
    }
    tar.into_inner()?.sync_all()?;
    Ok(missing)
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
