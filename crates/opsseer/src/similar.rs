//! What is known of all incidents, in memory, to be compared with a new one.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use opsseer_ai::similar::{ModelVector, PastIncident, Profile, Similar as Like, SimilarIndex};
use opsseer_core::{AlertSnapshot, Incident, IncidentId};
use opsseer_store::{StoreError, StoredProfile, StoredVector};

use crate::app::App;

/// Profiles that are read at a time.
const PAGE: u32 = 1_000;

/// Alerts of an incident whose names are compared.
const ALERTS: u32 = 20;

/// More than are shown: some turn out to be gone or merged.
const LOOKED_AT: usize = 10;

/// The index, and how far it has read. The store holds all of it; a replica reads what others wrote.
#[derive(Default)]
pub struct Similar {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    index: SimilarIndex<IncidentId>,
    revision: i64,
}

/// What was found.
pub(crate) struct Looked {
    /// The most similar first.
    pub(crate) like: Vec<Like<IncidentId>>,
    /// How many others are known.
    pub(crate) looked_through: usize,
}

impl Similar {
    /// It is no longer in the store.
    pub(crate) fn forget(&self, incident: IncidentId) {
        self.known().index.remove(&incident);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what is known of the incident now, and looks for others that are like it.
pub(crate) async fn look(
    app: &App,
    incident: &Incident,
    alert: &AlertSnapshot,
) -> Result<Looked, StoreError> {
    let stored = app.store.list_alerts_of(incident.id, ALERTS).await?;
    let names: BTreeSet<&str> = stored.iter().map(|stored| stored.alert.name()).collect();
    let profile = Profile {
        title: incident.title.clone(),
        summary: alert.summary.clone().unwrap_or_default(),
        service: incident.service.clone(),
        alerts: names.into_iter().map(str::to_owned).collect(),
        labels: alert.labels.clone(),
    };
    let vector = embedded(app, incident, &profile).await;
    match serde_json::to_value(&profile) {
        Ok(value) => app.store.put_profile(incident.id, &value, vector.as_ref()).await?,
        Err(error) => tracing::error!(incident = %incident.id, %error, "its profile cannot be written"),
    }
    catch_up(app).await?;
    let query = PastIncident { id: incident.id, profile, vector: vector.map(of_model) };
    let known = app.similar.known();
    let looked_through = known.index.len().saturating_sub(1);
    Ok(Looked { like: known.index.search(&query, LOOKED_AT), looked_through })
}

/// Reads what changed since the last time, here or on another replica.
pub(crate) async fn catch_up(app: &App) -> Result<(), StoreError> {
    loop {
        let after = app.similar.known().revision;
        let news = app.store.list_profiles(after, PAGE).await?;
        let Some(newest) = news.last().map(|profile| profile.revision) else { return Ok(()) };
        let mut known = app.similar.known();
        // Another job may have read further meanwhile.
        if known.revision != after {
            continue;
        }
        for profile in news {
            known.put(profile);
        }
        known.revision = newest;
    }
}

impl Known {
    fn put(&mut self, stored: StoredProfile) {
        match serde_json::from_value(stored.profile) {
            Ok(profile) => {
                let vector = stored.vector.map(of_model);
                self.index.put(PastIncident { id: stored.incident, profile, vector });
            }
            Err(error) => {
                tracing::warn!(incident = %stored.incident, %error, "its profile cannot be read");
            }
        }
    }
}

fn of_model(vector: StoredVector) -> ModelVector {
    ModelVector { model: vector.model, values: vector.values }
}

async fn embedded(app: &App, incident: &Incident, profile: &Profile) -> Option<StoredVector> {
    let embedder = app.embedder.as_ref()?;
    match embedder.embed(vec![profile.wording()]).await {
        Ok(vectors) => {
            Some(StoredVector { model: embedder.model().to_owned(), values: vectors.into_iter().next()? })
        }
        Err(error) => {
            // Names and labels are compared all the same.
            tracing::warn!(incident = %incident.id, %error, "compared without a vector");
            None
        }
    }
}
