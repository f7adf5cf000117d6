//! What the handlers of the AI services work with, within a whole server or alone.

use std::sync::Arc;

use axum::extract::FromRef;
use opsseer_ai::{
    classify::ClassifyAlert, embed::Embed, forecast::Forecaster, runbook::AnswerRunbook, suspects::Suspector,
};

use super::{AiServer, Meaning};
use crate::app::SharedApp;

/// The AI services, and the server around them if there is one (`opsseer serve --role ai` has none).
#[derive(Clone)]
pub struct Gateway {
    /// Texts to vectors, if there is a model for it.
    pub embedder: Option<Arc<dyn Embed>>,
    /// Whether things are found by their meaning.
    pub meaning: Meaning,
    /// Tells what kind of trouble an alert is about.
    pub classifier: Arc<dyn ClassifyAlert>,
    /// The runbooks.
    pub runbooks: Arc<dyn AnswerRunbook>,
    /// Tells where a value is heading.
    pub forecaster: Arc<dyn Forecaster>,
    /// Tells which metrics moved.
    pub suspector: Arc<dyn Suspector>,
    /// The server that keeps incidents and corrections.
    pub server: Option<SharedApp>,
}

impl FromRef<SharedApp> for Gateway {
    fn from_ref(app: &SharedApp) -> Self {
        Self {
            embedder: app.embedder.clone(),
            meaning: app.meaning.clone(),
            classifier: app.classifier.clone(),
            runbooks: app.runbooks.clone(),
            forecaster: app.forecaster.clone(),
            suspector: app.suspector.clone(),
            server: Some(app.clone()),
        }
    }
}

impl FromRef<Arc<AiServer>> for Gateway {
    fn from_ref(server: &Arc<AiServer>) -> Self {
        server.gateway.clone()
    }
}
