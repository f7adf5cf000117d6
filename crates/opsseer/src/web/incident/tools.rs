//! What one does to an incident more rarely: merge it with another, silence it in Alertmanager. The forms are made with
//! the page and are not replaced while somebody fills them in; `static/incident.js` fetches them anew once other things
//! can be done.

use askama::Template;
use opsseer_core::Incident;
use opsseer_store::{IncidentFilter, StatusFilter, StoreError};

use crate::{
    app::App,
    pipeline::silences::{self, SilenceError},
    web::{incident::headline::Can, prose::first_line},
};

/// Other open incidents that one can choose from. Any other is named by its number.
const OTHERS: u32 = 50;
/// Characters of a title in the choice, and of a silence's conditions.
const TITLE: usize = 80;
const MATCHERS: usize = 300;

/// An incident to merge with.
struct Other {
    number: i64,
    title: String,
}

/// Whether alerts can be silenced, and which.
enum SilenceForm {
    /// A line for each silence that would be made.
    Ready(Vec<String>),
    /// Why not.
    Refused(String),
}

#[derive(Template)]
#[template(path = "incident/tools.html")]
pub(crate) struct Tools {
    number: i64,
    can: Can,
    others: Vec<Other>,
    /// How many there are beside those.
    more: Option<String>,
    silence: SilenceForm,
}

impl Tools {
    pub(crate) async fn read(app: &App, incident: &Incident) -> Result<Self, StoreError> {
        let can = Can::of(incident);
        let mut tools = Self {
            number: incident.number.0,
            can,
            others: Vec::new(),
            more: None,
            silence: SilenceForm::Refused(String::new()),
        };
        if can != Can::Act {
            return Ok(tools);
        }
        let filter = IncidentFilter {
            status: Some(StatusFilter::Unresolved),
            // One more, because this one is among them.
            limit: OTHERS + 1,
            ..IncidentFilter::default()
        };
        let open = app.store.list_incidents(&filter).await?.incidents;
        let other =
            |other: &Incident| Other { number: other.number.0, title: first_line(&other.title, TITLE) };
        tools.others =
            open.iter().filter(|other| other.id != incident.id).take(OTHERS as usize).map(other).collect();
        let all = usize::try_from(app.store.count_unresolved().await?).unwrap_or_default();
        let hidden = all.saturating_sub(tools.others.len() + 1);
        tools.more = (hidden > 0).then(|| format!("{hidden} more are open: type the number"));
        tools.silence = SilenceForm::read(app, incident).await?;
        Ok(tools)
    }
}

impl SilenceForm {
    async fn read(app: &App, incident: &Incident) -> Result<Self, StoreError> {
        if app.alertmanager.is_none() {
            return Ok(Self::Refused(SilenceError::NotConfigured.to_string()));
        }
        match silences::plan(app, incident.id).await {
            Ok(plan) => {
                let line = |matchers: &Vec<_>| first_line(&silences::in_words(matchers), MATCHERS);
                Ok(Self::Ready(plan.iter().map(line).collect()))
            }
            Err(SilenceError::Action(crate::actions::ActionError::Store(error))) => Err(error),
            Err(error) => Ok(Self::Refused(error.to_string())),
        }
    }
}
