use std::{
    io,
    path::{Path, PathBuf},
};

use opsseer_core::AssetRef;
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt};
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
const FIND: &str = "select media_type from assets where sha256 = $1";

impl Store {
    /// Writes a file, named by its content, to the disk. It is served once an event that refers to it is committed.
    pub async fn write_asset(
        &self,
        content: &[u8],
        media_type: &str,
        alt: &str,
    ) -> Result<AssetRef, StoreError> {
        let sha256 = hex::encode(Sha256::digest(content));
        let path = path_of(&self.assets, &sha256);
        if !fs::try_exists(&path).await.map_err(file("look for", &path))? {
            write_durably(&path, content).await?;
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
        let path = path_of(&self.assets, sha256);
        let content = fs::read(&path).await.map_err(file("read", &path))?;
        Ok(Some(Asset { media_type, content }))
    }
}

impl Tx {
    pub(crate) async fn write_assets(&mut self) -> Result<(), StoreError> {
        let now = self.now;
        for asset in self.new_events.iter().flat_map(|event| &event.assets) {
            let bytes = i64::try_from(asset.bytes).unwrap_or(i64::MAX);
            db::within!(&mut self.db, conn => {
                sqlx::query(INSERT).bind(&asset.sha256).bind(&asset.media_type).bind(bytes).bind(now)
                    .execute(conn).await
            })
            .map_err(StoreError::query("keep an asset"))?;
        }
        Ok(())
    }
}

/// Two levels of folders, so that no folder grows without bound.
fn path_of(assets: &Path, sha256: &str) -> PathBuf {
    assets.join(&sha256[..2]).join(sha256)
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
