//! What is compared when incidents like one are looked for.

use opsseer_core::IncidentId;
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Store, StoreError, db, vector::StoredVector};

/// What is compared of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredProfile {
    /// Which incident.
    pub incident: IncidentId,
    /// Its fields, in the form of whoever compares.
    pub profile: Value,
    /// Its words as a model sees them, if one was there.
    pub vector: Option<StoredVector>,
    /// Counts up with each change of any profile.
    pub revision: i64,
}

#[derive(FromRow)]
struct ProfileRow {
    incident_id: Uuid,
    profile: Json<Value>,
    model: Option<String>,
    vector: Option<Vec<u8>>,
    revision: i64,
}

const AFTER: &str = "select incident_id, profile, model, vector, revision from incident_profiles
    where revision > $1 order by revision limit $2";

// Revisions are given out in the order of commits: the lock is held until then.
const NEXT: &str = "select coalesce(max(revision), 0) + 1 from incident_profiles";

const PUT: &str = "insert into incident_profiles (incident_id, profile, model, vector, revision)
    values ($1, $2, $3, $4, $5)
    on conflict (incident_id) do update set profile = excluded.profile, model = excluded.model,
        vector = excluded.vector, revision = excluded.revision";

impl Store {
    /// Profiles that changed after this revision, in order, at most `limit`.
    pub async fn list_profiles(&self, after: i64, limit: u32) -> Result<Vec<StoredProfile>, StoreError> {
        let rows: Vec<ProfileRow> = db::read!(&self.db, conn => {
            sqlx::query_as(AFTER).bind(after).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("list incidents' profiles"))?;
        let read = |row: ProfileRow| StoredProfile {
            incident: IncidentId(row.incident_id),
            profile: row.profile.0,
            vector: StoredVector::read(row.model, row.vector.as_deref()),
            revision: row.revision,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    /// Keeps what is compared of an incident, in place of what was kept before.
    pub async fn put_profile(
        &self,
        incident: IncidentId,
        profile: &Value,
        vector: Option<&StoredVector>,
    ) -> Result<(), StoreError> {
        let failed = || StoreError::query("keep an incident's profile");
        let mut tx = self.begin().await?;
        let revision: i64 = db::within!(&mut tx.db, conn => sqlx::query_scalar(NEXT).fetch_one(conn).await)
            .map_err(failed())?;
        let (model, bytes) = StoredVector::columns(vector);
        db::execute!(&mut tx.db, conn => {
            sqlx::query(PUT)
                .bind(incident.0)
                .bind(Json(profile))
                .bind(model)
                .bind(bytes)
                .bind(revision)
                .execute(conn)
                .await
        })
        .map_err(failed())?;
        tx.commit().await
    }
}
