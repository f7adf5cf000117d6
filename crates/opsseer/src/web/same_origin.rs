//! Refuses changes that another site's page makes a reader's browser ask for. OpsSeer has no login to forge, but a page
//! on the internet must not resolve an incident in the network of whoever looks at it.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

use crate::http::error::ApiError;

/// Answers 403 to a change from another origin. Programs, which send no such headers, are not concerned.
pub async fn refuse_foreign_posts(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && is_foreign(request.headers()) {
        let reason = "a page of another site asked for this change; nothing was changed";
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", reason).into_response();
    }
    next.run(request).await
}

/// Browsers say where a request comes from: in `Sec-Fetch-Site` (Fetch Metadata) where the connection is trustworthy,
/// and in `Origin` for every POST. Pages cannot forge either.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let Some(origin) = origin.to_str().ok().and_then(|origin| Url::parse(origin).ok()) else { return true };
    let authority = match (origin.host_str(), origin.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => return true,
    };
    // A proxy in front may have put its own name into Host, and the browser's into X-Forwarded-Host.
    let default_port = if origin.scheme() == "https" { ":443" } else { ":80" };
    ![text("host"), text("x-forwarded-host")]
        .into_iter()
        .flatten()
        .any(|host| host.strip_suffix(default_port).unwrap_or(host).eq_ignore_ascii_case(&authority))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn foreign(headers: &[(&'static str, &'static str)]) -> bool {
        is_foreign(
            &headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect(),
        )
    }

    #[test]
    fn another_sites_page_is_foreign() {
        assert!(foreign(&[("host", "ops:8888"), ("sec-fetch-site", "cross-site")]));
        assert!(foreign(&[("host", "ops:8888"), ("sec-fetch-site", "same-site")]));
        assert!(foreign(&[("host", "ops:8888"), ("origin", "http://evil.example")]));
        assert!(foreign(&[("host", "ops:8888"), ("origin", "http://ops:9999")]));
        assert!(foreign(&[("host", "ops:8888"), ("origin", "null")]));
    }

    #[test]
    fn our_own_pages_and_programs_are_not() {
        assert!(!foreign(&[("host", "ops:8888")]));
        assert!(!foreign(&[("host", "ops:8888"), ("sec-fetch-site", "same-origin")]));
        assert!(!foreign(&[("host", "ops:8888"), ("origin", "http://ops:8888")]));
        assert!(!foreign(&[("host", "ops.example"), ("origin", "https://OPS.example")]));
        assert!(!foreign(&[("host", "ops.example:443"), ("origin", "https://ops.example")]));
    }

    #[test]
    fn a_proxy_that_renames_the_host_is_understood() {
        let proxied = [
            ("host", "10.0.0.7:8888"),
            ("x-forwarded-host", "ops.example"),
            ("origin", "http://ops.example"),
        ];
        assert!(!foreign(&proxied));
    }
}
