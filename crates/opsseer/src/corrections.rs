//! What people corrected of the classifier, kept and given back to it.

use opsseer_ai::classify::{AlertText, Category, Correction, SeverityOpinion};
use opsseer_core::{Actor, AlertSnapshot, EventId, EventKind, Incident, IncidentId, NewEvent};
use opsseer_store::{IncidentRef, Store, StoreError, StoredCorrection, StoredVector};

use crate::{
    actions::{ActionError, checked_name},
    alert_text,
    app::App,
};

/// The classifier learns from so many of the newest.
const MOST: u32 = 1_000;

/// What people corrected so far, the newest first. What another version wrote and this one cannot read is left out.
pub(crate) async fn learned(app: &App) -> Result<Vec<Correction>, StoreError> {
    let model = app.embedder.as_ref().map(|embedder| embedder.model());
    let stored = app.store.list_corrections(MOST).await?;
    Ok(stored.into_iter().filter_map(|correction| read(correction, model)).collect())
}

fn read(stored: StoredCorrection, model: Option<&str>) -> Option<Correction> {
    let name = stored.alert_name;
    let alert: AlertText = serde_json::from_value(stored.alert)
        .inspect_err(|error| tracing::warn!(alert = name, %error, "a correction cannot be read"))
        .ok()?;
    let Some(category) = Category::parse(&stored.category) else {
        tracing::warn!(
            alert = name,
            category = stored.category,
            "a correction names no category of this version"
        );
        return None;
    };
    let severity = stored.severity.as_deref().and_then(SeverityOpinion::parse);
    let vector =
        stored.vector.filter(|vector| Some(vector.model.as_str()) == model).map(|vector| vector.values);
    Some(Correction { alert, category, severity, vector })
}

/// Lets a person say what kind of trouble an alert of an incident is about. Said again, it changes nothing.
pub(crate) async fn correct(
    app: &App,
    reference: IncidentRef,
    person: &str,
    alert: &str,
    category: Category,
    severity: Option<SeverityOpinion>,
) -> Result<Incident, ActionError> {
    let name = checked_name("by", person)?;
    let incident = app.store.find_incident(reference).await?.ok_or(ActionError::NotFound)?;
    let snapshot = find_alert(&app.store, &incident, alert).await?.ok_or_else(|| {
        ActionError::Invalid(format!("INC-{} has had no alert named {alert}", incident.number))
    })?;
    // Before the transaction: a model may take a while, and alerts wait for the writer.
    let vector = vector(app, &snapshot).await;
    let mut tx = app.store.begin().await?;
    let incident = tx.find_incident(incident.id.into()).await?.ok_or(ActionError::NotFound)?;
    let (category, severity) = (category.as_str().to_owned(), severity.map(|it| it.as_str().to_owned()));
    let was = said(&mut tx, incident.id, alert).await?;
    if was.as_ref().is_some_and(|was| was.by_person && was.category == category && was.severity == severity) {
        return Ok(incident);
    }
    let now = tx.now();
    let text = serde_json::to_value(alert_text::for_classifier(&snapshot))
        .map_err(|error| ActionError::Invalid(error.to_string()))?;
    tx.put_correction(&StoredCorrection {
        incident: incident.id,
        alert_name: alert.to_owned(),
        alert: text,
        category: category.clone(),
        severity: severity.clone(),
        made_by: name.clone(),
        made_at: now,
        vector,
    })
    .await?;
    let kind = EventKind::ClassCorrected {
        alert: alert.to_owned(),
        category,
        severity,
        was: was.map(|was| was.category),
    };
    let incident = tx.append(incident, vec![NewEvent::new(now, Actor::Person { name }, kind)]);
    tx.commit().await?;
    Ok(incident)
}

/// What was last said of an alert's class.
struct Said {
    category: String,
    severity: Option<String>,
    by_person: bool,
}

async fn said(
    tx: &mut opsseer_store::Tx,
    incident: IncidentId,
    name: &str,
) -> Result<Option<Said>, StoreError> {
    let corrected = tx.list_events_of_kind(incident, "class_corrected").await?;
    let classified = tx.list_events_of_kind(incident, "classified").await?;
    let newest_first = corrected.into_iter().rev().chain(classified.into_iter().rev());
    Ok(newest_first.map(|event| event.kind).find_map(|kind| match kind {
        EventKind::ClassCorrected { alert, category, severity, .. } if alert == name => {
            Some(Said { category, severity, by_person: true })
        }
        EventKind::Classified(class) if class.alert == name => {
            Some(Said { category: class.category, severity: Some(class.severity), by_person: false })
        }
        _ => None,
    }))
}

/// The newest alert of this name that fired in the incident.
async fn find_alert(
    store: &Store,
    incident: &Incident,
    name: &str,
) -> Result<Option<AlertSnapshot>, StoreError> {
    let mut until = incident.last_event;
    while let Some(event) = store.find_newest_event(incident.id, "alert_fired", until).await? {
        match event.kind {
            EventKind::AlertFired { alert, .. } if alert.name == name => return Ok(Some(alert)),
            _ => until = EventId(event.id.0 - 1),
        }
    }
    Ok(None)
}

async fn vector(app: &App, alert: &AlertSnapshot) -> Option<StoredVector> {
    let embedder = app.embedder.as_ref()?;
    let text = alert_text::for_classifier(alert).to_embed();
    match embedder.embed(vec![text]).await {
        Ok(vectors) => {
            Some(StoredVector { model: embedder.model().to_owned(), values: vectors.into_iter().next()? })
        }
        Err(error) => {
            // The classifier works by words alone then.
            tracing::warn!(alert = alert.name, %error, "a correction is kept without its vector");
            None
        }
    }
}
