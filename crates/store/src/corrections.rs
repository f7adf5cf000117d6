//! What people said an alert is about.

use chrono::{DateTime, Utc};
use opsseer_core::IncidentId;
use serde_json::Value;
use sqlx::{FromRow, types::Json};
use uuid::Uuid;

use crate::{Store, StoreError, Tx, db, vector::StoredVector};

/// A person's word on an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredCorrection {
    /// The incident in which they said it. It may be gone.
    pub incident: IncidentId,
    /// The alert's name.
    pub alert_name: String,
    /// The alert's text as it was classified; the classifier's own form.
    pub alert: Value,
    /// The category that they chose.
    pub category: String,
    /// How urgent such alerts are, if they said so.
    pub severity: Option<String>,
    /// Who.
    pub made_by: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The text as a model sees it, if one was there.
    pub vector: Option<StoredVector>,
}

#[derive(FromRow)]
struct CorrectionRow {
    incident_id: Uuid,
    alert_name: String,
    alert: Json<Value>,
    category: String,
    severity: Option<String>,
    made_by: String,
    made_at: DateTime<Utc>,
    model: Option<String>,
    vector: Option<Vec<u8>>,
}

impl CorrectionRow {
    fn into_correction(self) -> StoredCorrection {
        StoredCorrection {
            incident: IncidentId(self.incident_id),
            alert_name: self.alert_name,
            alert: self.alert.0,
            category: self.category,
            severity: self.severity,
            made_by: self.made_by,
            made_at: self.made_at,
            vector: StoredVector::read(self.model, self.vector.as_deref()),
        }
    }
}

const NEWEST: &str =
    "select incident_id, alert_name, alert, category, severity, made_by, made_at, model, vector
    from corrections order by made_at desc, id desc limit $1";

const PUT: &str = "insert into corrections
        (id, incident_id, alert_name, alert, category, severity, made_by, made_at, model, vector)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (incident_id, alert_name) do update set alert = excluded.alert, category = excluded.category,
        severity = excluded.severity, made_by = excluded.made_by, made_at = excluded.made_at,
        model = excluded.model, vector = excluded.vector";

impl Store {
    /// The newest corrections first, at most `limit`.
    pub async fn list_corrections(&self, limit: u32) -> Result<Vec<StoredCorrection>, StoreError> {
        let rows: Vec<CorrectionRow> = db::read!(&self.db, conn => {
            sqlx::query_as(NEWEST).bind(i64::from(limit)).fetch_all(conn).await
        })
        .map_err(StoreError::query("list corrections"))?;
        Ok(rows.into_iter().map(CorrectionRow::into_correction).collect())
    }
}

impl Tx {
    /// Keeps a correction, in place of an earlier one of the same alert in the same incident.
    pub async fn put_correction(&mut self, correction: &StoredCorrection) -> Result<(), StoreError> {
        let (model, vector) = StoredVector::columns(correction.vector.as_ref());
        db::execute!(&mut self.db, conn => {
            sqlx::query(PUT)
                .bind(Uuid::now_v7())
                .bind(correction.incident.0)
                .bind(&correction.alert_name)
                .bind(Json(&correction.alert))
                .bind(&correction.category)
                .bind(&correction.severity)
                .bind(&correction.made_by)
                .bind(correction.made_at)
                .bind(model)
                .bind(vector)
                .execute(conn)
                .await
        })
        .map_err(StoreError::query("keep a correction"))?;
        Ok(())
    }
}
