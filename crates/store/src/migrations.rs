use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// All migrations, oldest first. A released one is never changed.
const ALL: [(i64, &str, &str); 3] = [
    (1, "init", include_str!("../migrations/0001_init.sql")),
    (2, "lifecycle", include_str!("../migrations/0002_lifecycle.sql")),
    (3, "canaries", include_str!("../migrations/0003_canaries.sql")),
];

pub(crate) fn migrator() -> Migrator {
    Migrator::with_migrations(
        ALL.into_iter()
            .map(|(version, name, sql)| {
                Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
            })
            .collect(),
    )
}
