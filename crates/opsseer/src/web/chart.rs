//! A kept chart, looked into: large, as a table, over a part of its time, and as PNG.

use askama::Template;
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use chrono::DateTime;
use serde::Deserialize;

use crate::{
    app::SharedApp,
    chart::{Chart, ChartData, PngError, Theme},
    kept_chart,
    web::{frame::Frame, problem::Problem, viewer::Viewer},
};

/// Nothing in a picture may run or load anything. Its own `<style>` may apply.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// What the address names does not change.
const FOR_EVER: &str = "private, max-age=31536000, immutable";

/// The part of the time that is asked for, in milliseconds since 1970; all of it by default.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) struct Part {
    from: Option<i64>,
    to: Option<i64>,
}

/// How the PNG shall be.
#[derive(Debug, Deserialize)]
pub(crate) struct PngQuery {
    width: Option<u32>,
    height: Option<u32>,
    /// `light` or `dark`.
    theme: Option<Theme>,
    from: Option<i64>,
    to: Option<i64>,
}

#[derive(Template)]
#[template(path = "chart.html")]
struct ChartPage {
    frame: Frame,
    /// Where the numbers are.
    numbers: String,
    picture: String,
    title: String,
    sentence: String,
    table: String,
}

/// Shows the chart alone, with its numbers as a table.
pub(crate) async fn show_chart(
    State(app): State<SharedApp>,
    Path(sha256): Path<String>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let chart = find(&app, &sha256).await?.chart();
    let numbers = format!("/charts/{sha256}");
    let page = ChartPage {
        frame: Frame::new(&app, viewer, numbers.clone()).await?,
        picture: format!("{numbers}/picture.svg"),
        numbers,
        sentence: chart.sentence(),
        table: chart.table(),
        title: chart.title,
    };
    Ok(Html(page.render()?))
}

/// Draws the chart, or a part of it, for pages.
pub(crate) async fn show_picture(
    State(app): State<SharedApp>,
    Path(sha256): Path<String>,
    query: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(part) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let chart = part.of(find(&app, &sha256).await?.chart());
    Ok(file("image/svg+xml", chart.svg().into_bytes()))
}

/// Draws the chart, or a part of it, for where SVG is not shown: 1000 by 500 pixels if nothing else is asked for.
pub(crate) async fn show_png(
    State(app): State<SharedApp>,
    Path(sha256): Path<String>,
    query: Result<Query<PngQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let chart = Part { from: query.from, to: query.to }.of(find(&app, &sha256).await?.chart());
    let (width, height) = (query.width.unwrap_or(1000), query.height.unwrap_or(500));
    let theme = query.theme.unwrap_or_default();
    // Tens of milliseconds of one processor: not on a thread that answers others.
    let drawn = tokio::task::spawn_blocking(move || chart.png(width, height, theme)).await;
    match drawn {
        Ok(Ok(png)) => Ok(file("image/png", png)),
        Ok(Err(error @ PngError::Size { .. })) => Err(Problem::not_understood(error.to_string())),
        Ok(Err(error)) => Err(not_drawn(&error)),
        Err(error) => Err(not_drawn(&error)),
    }
}

/// The numbers of a part of the chart, with where its picture has them.
pub(crate) async fn show_numbers(
    State(app): State<SharedApp>,
    Path(sha256): Path<String>,
    query: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(part) = query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let chart = part.of(find(&app, &sha256).await?.chart());
    Ok(file(kept_chart::NUMBERS, chart.data().to_json().into_bytes()))
}

impl Part {
    fn of(self, chart: Chart) -> Chart {
        if self.from.is_none() && self.to.is_none() {
            return chart;
        }
        let moment = |millis: Option<i64>| millis.and_then(DateTime::from_timestamp_millis);
        let from = moment(self.from).unwrap_or(chart.from);
        let to = moment(self.to).unwrap_or(chart.to);
        chart.between(from, to)
    }
}

async fn find(app: &SharedApp, sha256: &str) -> Result<ChartData, Problem> {
    kept_chart::read(&app.store, sha256).await?.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        headline: "Not found",
        words: "There is no such chart.".to_owned(),
    })
}

fn file(media_type: &'static str, content: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    (headers, content).into_response()
}

fn not_drawn(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a chart could not be drawn as PNG");
    Problem {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        headline: "OpsSeer could not draw this",
        words: "The log of the server says why. The chart's page still has its numbers.".to_owned(),
    }
}
