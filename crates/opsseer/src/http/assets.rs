//! Kept files, by their content's hash.

use axum::{
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    app::SharedApp,
    http::error::{ApiError, Problem},
};

/// Nothing in a kept file may run or load anything, wherever it is opened. Its own `<style>` may apply.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// Gives a kept file. Its address names its content, so it may be cached for ever.
#[utoipa::path(get, path = "/assets/{sha256}", params(("sha256" = String, Path, description = "64 hexadecimal digits")), responses(
    (status = 200, description = "the file", body = Vec<u8>), (status = 404, description = "none such", body = Problem)))]
pub async fn show_asset(
    State(app): State<SharedApp>,
    Path(sha256): Path<String>,
) -> Result<Response, ApiError> {
    let found = app.store.find_asset(&sha256.to_ascii_lowercase()).await?;
    let asset = found.ok_or_else(|| ApiError::not_found("there is no such asset"))?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
    ];
    Ok((headers, asset.content).into_response())
}
