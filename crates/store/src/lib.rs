//! All SQL of OpsSeer.
//!
//! A [`Store`] reads; a [`Tx`] changes. What a transaction changes is written, and announced to
//! [`Store::subscribe`], when it commits, and not otherwise. Every SQL text is kept to what SQLite and PostgreSQL both
//! understand; `db` is the one place that knows which of them is there.

mod alerts;
mod assets;
mod backup;
mod canaries;
mod changes;
mod corrections;
mod db;
mod duties;
mod error;
mod events;
mod heartbeats;
mod incidents;
mod jobs;
mod memberships;
mod migrations;
mod profiles;
mod regroup;
mod retention;
mod store;
mod storm;
mod tail;
mod tx;
mod vector;

pub use alerts::{AlertCursor, AlertPage, StoredAlert};
pub use assets::Asset;
pub use backup::{Backup, backup};
pub use changes::{ChangeCursor, ChangeFilter, ChangePage, StoredChange};
pub use corrections::StoredCorrection;
pub use db::Migrated;
pub use error::{InvalidReference, StoreError};
pub use heartbeats::Heartbeat;
pub use incidents::{Cursor, IncidentFilter, IncidentPage, IncidentRef, StatusFilter};
pub use jobs::{DeadJobs, JobId, JobPage, JobState, Lease, StoredJob};
pub use profiles::StoredProfile;
pub use regroup::{AlertCount, MergedCount};
pub use retention::Deleted;
pub use store::{Change, Committed, FollowUps, Store, StoreConfig};
pub use tx::Tx;
pub use vector::StoredVector;
