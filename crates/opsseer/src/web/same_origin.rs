//! Refuses what another site's page makes a reader's browser ask for. OpsSeer has no login to forge, but a page on the
//! internet must neither resolve an incident in the network of whoever looks at it nor read one.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

use crate::{config::Http, http::error::ApiError};

/// Where programs come in, often by a name that only their network knows. Nothing there is a reader's.
const FOR_PROGRAMS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// Webhooks, and the services in OpenAI's shape, which another OpsSeer asks (`ai.url`).
const BELOW_FOR_PROGRAMS: [&str; 2] = ["/webhook/", "/v1/"];

/// Answers 403 to a change from another origin. Programs, which send no such headers, are not concerned.
pub async fn refuse_foreign_posts(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && is_foreign(request.headers()) {
        let reason = "a page of another site asked for this change; nothing was changed";
        return ApiError::new(StatusCode::FORBIDDEN, "foreign_origin", reason).into_response();
    }
    next.run(request).await
}

/// Answers 421 to a request for a name that is not this server's. A site may point its own name at this address (DNS
/// rebinding); the browser then takes its pages for ours, and only `Host` still tells.
pub async fn refuse_unknown_hosts(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let for_programs =
        FOR_PROGRAMS.contains(&path) || BELOW_FOR_PROGRAMS.iter().any(|below| path.starts_with(below));
    let unknown = request.headers().get_all(header::HOST).iter().find(|host| !is_ours(host, &http));
    if let Some(host) = unknown.filter(|_| !for_programs) {
        let reason = format!(
            "{host:?} is not known as a name of this server; if it is one, add it to http.allowed_hosts or set \
             http.public_url"
        );
        return ApiError::new(StatusCode::MISDIRECTED_REQUEST, "unknown_host", reason).into_response();
    }
    next.run(request).await
}

/// Whether `host` can only mean this server: an address, this machine, or a name that the operator gave it.
fn is_ours(host: &HeaderValue, http: &Http) -> bool {
    let Ok(authority) = Authority::try_from(host.as_bytes()) else { return false };
    let name = authority.host().to_ascii_lowercase();
    let name = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    // `http.bind` is an address, and so always ours.
    if name.parse::<IpAddr>().is_ok() || name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let public = Url::parse(&http.public_url).ok();
    let public = public.as_ref().and_then(Url::host_str);
    http.allowed_hosts.iter().map(String::as_str).chain(public).any(|ours| name.eq_ignore_ascii_case(ours))
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
    use axum::http::HeaderName;

    use super::*;
    use crate::config::Config;

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
    fn ours(host: &'static str) -> bool {
        let set = "[http]\npublic_url = \"https://Ops.example/\"\nallowed_hosts = [\"opsseer\"]";
        let config = Config::with_overrides(set).expect("a configuration");
        is_ours(&HeaderValue::from_static(host), &config.http)
    }

    #[test]
    fn addresses_this_machine_and_names_that_were_set_are_ours() {
        for host in [
            "127.0.0.1:8888",
            "10.0.0.7",
            "[::1]:8888",
            "localhost:8888",
            "LocalHost.",
            "ops.localhost",
            "ops.example",
            "OPS.example:443",
            "opsseer:8888",
        ] {
            assert!(ours(host), "{host}");
        }
    }

    #[test]
    fn any_other_name_may_be_a_site_that_points_at_us() {
        for host in [
            "evil.example:8888",
            "localhost.evil.example",
            "evillocalhost",
            "127.0.0.1.evil.example",
            "ops.example.evil",
            "a b",
            "",
        ] {
            assert!(!ours(host), "{host}");
        }
    }
}
