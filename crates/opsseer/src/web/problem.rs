//! The page that says why there is no page, and the same words for scripts.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use opsseer_store::StoreError;

use crate::{
    actions::ActionError,
    asking::AskError,
    http::error::ApiError,
    pipeline::silences::SilenceError,
    web::{prose::first_line, static_files},
};

/// Why a page could not be shown, or a form's wish not be done.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) headline: &'static str,
    pub(crate) words: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    headline: &'a str,
    words: &'a str,
    style: String,
    icon: String,
}

impl Problem {
    pub(crate) fn not_understood(words: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            headline: "This address is not understood",
            words: words.into(),
        }
    }

    pub(crate) fn no_incident(asked: &str) -> Self {
        let words = format!("There is no incident {}.", first_line(asked, 80));
        Self { status: StatusCode::NOT_FOUND, headline: "Not found", words }
    }

    fn refused(error: &ApiError) -> Self {
        let headline =
            if error.status().is_server_error() { "OpsSeer could not do this" } else { "Not done" };
        Self { status: error.status(), headline, words: error.detail().to_owned() }
    }

    /// The reason alone, for a script that shows it in its own place.
    pub(crate) fn into_text(self) -> Response {
        (self.status, self.words).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::refused(&ApiError::from(error))
    }
}

impl From<ActionError> for Problem {
    fn from(error: ActionError) -> Self {
        Self::refused(&ApiError::from(error))
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        Self::refused(&ApiError::from(error))
    }
}

impl From<SilenceError> for Problem {
    fn from(error: SilenceError) -> Self {
        Self::refused(&ApiError::from(error))
    }
}

impl From<askama::Error> for Problem {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page could not be rendered");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            headline: "OpsSeer could not show this",
            words: "The page could not be rendered. Nothing is lost; the log of the server says why."
                .to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let page = ProblemPage {
            headline: self.headline,
            words: &self.words,
            style: static_files::address(static_files::bundle(), "style.css"),
            icon: static_files::address(static_files::bundle(), "icon.svg"),
        };
        match page.render() {
            Ok(html) => (self.status, Html(html)).into_response(),
            Err(_) => (self.status, self.words).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn what_was_asked_for_is_shown_as_text() {
        let response = Problem::no_incident("<script>alert(1)</script>").into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        let body = to_bytes(response.into_body(), 100_000).await.expect("a body");
        let html = String::from_utf8(body.to_vec()).expect("text");
        assert!(!html.contains("<script") && html.contains("&#60;script&#62;"), "{html}");
    }
}
