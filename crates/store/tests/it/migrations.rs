//! Databases that an older version wrote.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use opsseer_core::Clock;
use opsseer_store::Store;
use sqlx::{
    Connection, PgConnection, SqlSafeStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
    types::Json,
};
use uuid::Uuid;

use crate::world::{World, no_follow_ups};

const INCIDENT: &str = "insert into incidents (id, number, status, resolved, severity, severity_set_by_person,
    title, search_text, correlation_key, opened_at, reopened_count, alerts_firing, alerts_total, last_event_id,
    updated_at) values ($1, 1, 'open', $2, 'page', $2, 't', 't', 'service:s', $3, 0, 1, 1, 1, $3)";
const EVENT: &str =
    "insert into events (id, incident_id, at, recorded_at, actor, kind, version, body, assets)
    values ($1, $2, $3, $3, $4, 'acknowledged', 1, $5, $6)";
const ASSET: &str =
    "insert into assets (sha256, media_type, bytes, created_at) values ($1, 'text/plain', 1, $2)";
const ALERT: &str =
    "insert into alerts (id, fingerprint, identity, source, status, incident_id, name, labels,
    annotations, starts_at, first_seen_at, last_seen_at)
    values ($1, 'f', 'i', 'alertmanager', 'firing', $2, 'Slow', $3, $3, $4, $4, $4)";

/// The tables as version 1 left them, with an incident, whose events have these files, and these files.
macro_rules! write_version_1 {
    ($connection:expr, $now:expr, $files:expr, $lists:expr) => {{
        let connection = &mut $connection;
        let sql = include_str!("../../migrations/0001_init.sql").into_sql_str();
        let init = Migration::new(1, Cow::Borrowed("init"), MigrationType::Simple, sql, false);
        Migrator::with_migrations(vec![init]).run(&mut *connection).await.unwrap();
        let incident = Uuid::now_v7();
        let insert = sqlx::query(INCIDENT).bind(incident).bind(false).bind($now);
        insert.execute(&mut *connection).await.unwrap();
        let nothing = Json(serde_json::json!({}));
        let insert = sqlx::query(ALERT).bind(Uuid::now_v7()).bind(incident).bind(&nothing).bind($now);
        insert.execute(&mut *connection).await.unwrap();
        for file in $files {
            sqlx::query(ASSET).bind(file).bind($now).execute(&mut *connection).await.unwrap();
        }
        let body = Json(serde_json::json!({"kind": "acknowledged"}));
        let actor = Json(serde_json::json!({"type": "alertmanager"}));
        for (list, id) in $lists.iter().zip(1_i64..) {
            let insert = sqlx::query(EVENT).bind(id).bind(incident).bind($now).bind(&actor).bind(&body);
            insert.bind(Json(list)).execute(&mut *connection).await.unwrap();
        }
        incident
    }};
}

fn asset(sha256: &str, alt: &str) -> serde_json::Value {
    serde_json::json!({"sha256": sha256, "media_type": "text/plain", "bytes": 1, "alt": alt})
}

#[tokio::test]
async fn files_and_alerts_of_version_1_are_known_to_belong_to_their_incidents() {
    let world = World::unopened();
    let now: DateTime<Utc> = world.clock.now();
    let files: Vec<String> = (0..50).map(|n| format!("{n:064x}")).collect();
    // The last two belong to none: one is only mentioned, in the words for another.
    let mentioned = format!(r#"a "quoted": "line", "sha256": "{}""#, files[48]);
    let mut lists = vec![serde_json::json!([]); 200];
    lists.push(serde_json::json!([asset(&files[0], &mentioned), asset(&files[1], "ü: \\ and more")]));
    lists.extend(files[2..48].iter().map(|file| serde_json::json!([asset(file, "")])));
    let config = world.config();
    let incident = if let Some(file) = config.url.strip_prefix("sqlite:") {
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).foreign_keys(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let incident = write_version_1!(connection, now, &files, lists);
        connection.close().await.unwrap();
        incident
    } else {
        let mut connection = PgConnection::connect(&config.url).await.unwrap();
        write_version_1!(connection, now, &files, lists)
    };

    let store = Store::open(config, world.clock.clone(), no_follow_ups).await.unwrap();
    let deleted = store.delete_unreferenced_assets(now + TimeDelta::days(2), 100).await.unwrap();
    assert_eq!(deleted, 2);
    for file in &files[48..] {
        assert!(matches!(store.find_asset(file).await, Ok(None)), "{file}");
    }
    let alert = store.list_alerts(10, None).await.unwrap().alerts.remove(0);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.has_had(opsseer_core::IncidentId(incident), alert.id).await.unwrap());
    drop(tx);
    store.close().await;
}
