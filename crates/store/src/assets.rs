use std::{
    io,
    panic::resume_unwind,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use opsseer_core::{AssetRef, Event};
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt, task::spawn_blocking};
use uuid::Uuid;

use crate::{Store, StoreError, Tx, db};

/// A kept file.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its media type.
    pub media_type: String,
    /// Its content.
    pub content: Vec<u8>,
}

const INSERT: &str = "insert into assets (sha256, media_type, bytes, created_at) values ($1, $2, $3, $4)
    on conflict (sha256) do nothing";
const REFER: &str = "insert into asset_refs (sha256, incident_id) values ($1, $2)
    on conflict (sha256, incident_id) do nothing";
const FIND: &str = "select media_type from assets where sha256 = $1";
// Written again, it is young again: see `Store::delete_unknown_files`.
const INSERT_CONTENT: &str = "insert into asset_contents (sha256, content, created_at) values ($1, $2, $3)
    on conflict (sha256) do update set created_at = excluded.created_at";
const FIND_CONTENT: &str = "select content from asset_contents where sha256 = $1";

impl Store {
    /// Writes a file, named by its content, to the disk, or into the database where replicas share it. It is served once
    /// an event that refers to it is committed.
    pub async fn write_asset(
        &self,
        content: &[u8],
        media_type: &str,
        alt: &str,
    ) -> Result<AssetRef, StoreError> {
        let sha256 = hex::encode(Sha256::digest(content));
        if self.is_shared() {
            self.write_content(&sha256, content).await?;
        } else {
            let path = path_of(&self.assets, &sha256);
            if !make_young(&path, self.clock.now()).await.map_err(file("touch", &path))? {
                write_durably(&path, content).await?;
            }
        }
        let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        Ok(AssetRef { sha256, media_type: media_type.to_owned(), bytes, alt: alt.to_owned() })
    }

    /// Reads a file. `None` if no event refers to one of this name.
    pub async fn find_asset(&self, sha256: &str) -> Result<Option<Asset>, StoreError> {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let media_type: Option<String> =
            db::read!(&self.db, conn => sqlx::query_scalar(FIND).bind(sha256).fetch_optional(conn).await)
                .map_err(StoreError::query("look for an asset"))?;
        let Some(media_type) = media_type else { return Ok(None) };
        let content = if self.is_shared() {
            db::read!(&self.db, conn => sqlx::query_scalar(FIND_CONTENT).bind(sha256).fetch_one(conn).await)
                .map_err(StoreError::query("read an asset"))?
        } else {
            let path = path_of(&self.assets, sha256);
            fs::read(&path).await.map_err(file("read", &path))?
        };
        Ok(Some(Asset { media_type, content }))
    }

    async fn write_content(&self, sha256: &str, content: &[u8]) -> Result<(), StoreError> {
        let failed = || StoreError::query("write an asset");
        let now = self.clock.now();
        let mut tx = self.db.begin().await.map_err(failed())?;
        db::execute!(&mut tx, conn => {
            sqlx::query(INSERT_CONTENT).bind(sha256).bind(content).bind(now).execute(conn).await
        })
        .map_err(failed())?;
        tx.commit().await.map_err(failed())
    }
}

impl Tx {
    pub(crate) async fn write_assets(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        let with_incident = |event: &'_ Event| {
            event.assets.iter().map(|asset| (asset.clone(), event.incident)).collect::<Vec<_>>()
        };
        for (asset, incident) in self.new_events.iter().flat_map(with_incident).collect::<Vec<_>>() {
            let bytes = i64::try_from(asset.bytes).unwrap_or(i64::MAX);
            db::execute!(&mut self.db, conn => {
                sqlx::query(INSERT).bind(&asset.sha256).bind(&asset.media_type).bind(bytes).bind(now)
                    .execute(conn).await
            })
            .map_err(StoreError::query("keep an asset"))?;
            db::execute!(&mut self.db, conn => {
                sqlx::query(REFER).bind(&asset.sha256).bind(incident.0).execute(conn).await
            })
            .map_err(StoreError::query("refer to an asset"))?;
        }
        Ok(())
    }
}

/// Two levels of folders, so that no folder grows without bound.
pub(crate) fn path_of(assets: &Path, sha256: &str) -> PathBuf {
    assets.join(&sha256[..2]).join(sha256)
}

/// Lets a file be as if written now, for otherwise it might be deleted as one that nothing refers to just before its event
/// is committed: see `Store::delete_unknown_files`. Gives whether it is there.
async fn make_young(path: &Path, now: DateTime<Utc>) -> io::Result<bool> {
    let file = match fs::OpenOptions::new().write(true).open(path).await {
        Ok(file) => file.into_std().await,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let set = spawn_blocking(move || file.set_modified(now.into())).await;
    set.unwrap_or_else(|broken| resume_unwind(broken.into_panic()))?;
    Ok(true)
}

/// Writes beside, flushes, then renames: the name never shows half a file, even after a power cut.
async fn write_durably(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).await.map_err(file("make the folder", folder))?;
    let beside = path.with_extension(format!("{}.part", Uuid::now_v7().simple()));
    let written = async {
        let mut part = fs::File::create(&beside).await?;
        part.write_all(content).await?;
        part.sync_all().await?;
        fs::rename(&beside, path).await?;
        fs::File::open(folder).await?.sync_all().await
    }
    .await;
    if let Err(source) = written {
        // The part is garbage whatever happens to it; the error that counts is the one above.
        drop(fs::remove_file(&beside).await);
        return Err(file("write", path)(source));
    }
    Ok(())
}

fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.display().to_string();
    move |source| StoreError::File { doing, path, source }
}
