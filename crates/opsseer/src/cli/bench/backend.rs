//! What a server under test keeps its data in.

use std::fmt;

use anyhow::Context;
use opsseer_eval::postgres::ThrowawayPostgres;
use serde::Serialize;
use tempfile::TempDir;

use crate::cli::fresh_server::Variables;

/// The database that each server gets.
const DATABASE: &str = "opsseer";

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Engine {
    Sqlite,
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A database for one measurement. Dropping it removes it.
pub(super) struct Backend {
    /// None: SQLite, which the server keeps in its own folder.
    pub(super) postgres: Option<ThrowawayPostgres>,
    /// After the cluster in it, which is stopped first.
    _folder: Option<TempDir>,
}

impl Backend {
    /// A new and empty one. A PostgreSQL waits for the disk, as SQLite does.
    pub(super) async fn start(engine: Engine) -> anyhow::Result<Self> {
        if engine == Engine::Sqlite {
            return Ok(Self { postgres: None, _folder: None });
        }
        let folder = TempDir::with_prefix("opsseer-postgres-").context("cannot make a temporary folder")?;
        let postgres = ThrowawayPostgres::start(folder.path(), true).await?;
        postgres.create_database(DATABASE).await?;
        Ok(Self { postgres: Some(postgres), _folder: Some(folder) })
    }

    /// What a server must be told to use it.
    pub(super) fn settings(&self) -> Variables {
        let url = self.postgres.as_ref().map(|postgres| postgres.url(DATABASE));
        url.map(|url| ("OPSSEER_STORE__URL", url.into())).into_iter().collect()
    }
}
