use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::Migrated;

/// All migrations, oldest first. A released one is never changed.
const ALL: [(i64, &str, &str); 5] = [
    (1, "init", include_str!("../migrations/0001_init.sql")),
    (2, "lifecycle", include_str!("../migrations/0002_lifecycle.sql")),
    (3, "canaries", include_str!("../migrations/0003_canaries.sql")),
    (4, "answers", include_str!("../migrations/0004_answers.sql")),
    (5, "changes", include_str!("../migrations/0005_changes.sql")),
];

/// The newest migration that a database has had.
pub(crate) const VERSION: &str = "select max(version) from _sqlx_migrations";

/// What a run did. A database that could not be asked before has no tables yet; had it another fault, the run would
/// have failed.
pub(crate) fn migrated(before: Result<Option<i64>, sqlx::Error>) -> Migrated {
    let from = before.ok().flatten().unwrap_or(0);
    Migrated { from, to: ALL[ALL.len() - 1].0 }
}

pub(crate) fn migrator() -> Migrator {
    Migrator::with_migrations(
        ALL.into_iter()
            .map(|(version, name, sql)| {
                Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
            })
            .collect(),
    )
}
