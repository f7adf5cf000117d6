use opsseer_core::UnknownEvent;

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the store is none that OpsSeer knows.
    #[error(
        "the store's address {0:?} is not understood; it looks like sqlite:PATH or postgres://USER@HOST/DATABASE"
    )]
    Address(String),
    /// PostgreSQL has its own tools for this.
    #[error("this is for SQLite; PostgreSQL holds everything, files included: use pg_dump")]
    BackupOfPostgres,
    /// Another process works on this SQLite database.
    #[error(
        "the database {0} is in use by another OpsSeer; stop that one, or give this one a data_dir of its own"
    )]
    InUse(String),
    /// The store could not be opened.
    #[error("cannot open the store {url}")]
    Open {
        /// Its address.
        url: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables could not be brought to this version's form.
    #[error("cannot bring the store's tables to this version")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A query failed.
    #[error("cannot {doing}")]
    Query {
        /// What was being done, to complete "cannot …".
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// A stored value cannot be read back. Written by a later version, or changed by hand.
    #[error("the stored {what} {value:?} is not understood")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What it was.
        value: String,
    },
    /// A stored event cannot be read back.
    #[error("event {id} cannot be read")]
    Event {
        /// Its id.
        id: i64,
        /// Why.
        source: UnknownEvent,
    },
    /// A value could not be written as JSON.
    #[error("cannot write {what} as JSON")]
    Json {
        /// Which value.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// A file of the asset folder could not be read or written.
    #[error("cannot {doing} {path}")]
    File {
        /// What was being done, to complete "cannot …".
        doing: &'static str,
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl StoreError {
    /// For `map_err`: names what was being done.
    pub(crate) fn query(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Query { doing, source }
    }
}

/// A reference to an incident or a place in a list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {expected}")]
pub struct InvalidReference {
    /// What was given.
    pub given: String,
    /// What would have been understood.
    pub expected: &'static str,
}
