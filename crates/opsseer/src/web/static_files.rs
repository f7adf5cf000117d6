//! Styles, scripts and the icon, kept in the binary. Their address holds the hash of all of them, so that a browser keeps
//! them for ever and a new version is never mixed with an old one.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const ICON: &str = "image/svg+xml";

struct File {
    name: &'static str,
    media_type: &'static str,
    content: &'static str,
}

macro_rules! file {
    ($name:literal, $media_type:expr) => {
        File { name: $name, media_type: $media_type, content: include_str!(concat!("../../static/", $name)) }
    };
}

const FILES: [File; 9] = [
    file!("style.css", STYLE),
    file!("page.js", SCRIPT),
    file!("stream.js", SCRIPT),
    file!("time.js", SCRIPT),
    file!("incident.js", SCRIPT),
    file!("list.js", SCRIPT),
    file!("chart.js", SCRIPT),
    file!("written.js", SCRIPT),
    file!("icon.svg", ICON),
];

static BUNDLE: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for file in &FILES {
        hash.update(file.name);
        hash.update([0]);
        hash.update(file.content);
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..6])
});

/// Names this version of all files together.
pub(crate) fn bundle() -> &'static str {
    &BUNDLE
}

/// Where a page finds a file. Scripts import each other by relative addresses, and so stay within their version.
pub(crate) fn address(bundle: &str, name: &str) -> String {
    debug_assert!(FILES.iter().any(|file| file.name == name), "{name} is not among the static files");
    format!("/static/{bundle}/{name}")
}

/// Sends a file. Under the address of another version (a page that was open during an update) it is sent, but not kept.
pub(crate) async fn show_static_file(Path((asked, name)): Path<(String, String)>) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cache = if asked == bundle() { "public, max-age=31536000, immutable" } else { "no-store" };
    let headers = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, cache),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_styles_fit_the_budget_of_a_page() {
        let bytes: usize = FILES.iter().map(|file| file.content.len()).sum();
        assert!(bytes < 64_000, "{bytes} bytes are styles and scripts");
    }

    #[test]
    fn every_import_is_among_the_files() {
        for file in &FILES {
            for import in file.content.split("from \"./").skip(1) {
                let name = import.split('"').next().expect("a name");
                assert!(FILES.iter().any(|known| known.name == name), "{} imports {name}", file.name);
            }
        }
    }

    #[tokio::test]
    async fn a_browser_keeps_this_version_and_no_other() {
        let cache = async |bundle: &str| {
            let response = show_static_file(Path((bundle.to_owned(), "page.js".to_owned()))).await;
            response.headers()[header::CACHE_CONTROL].to_str().expect("text").to_owned()
        };
        assert!(cache(bundle()).await.contains("immutable"));
        assert_eq!(cache("0123").await, "no-store");
        let missing = show_static_file(Path((bundle().to_owned(), "../lib.rs".to_owned()))).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
}
