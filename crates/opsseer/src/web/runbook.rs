//! A runbook as it is written, with its lines numbered: where every quote and every citation leads.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use askama::Template;
use axum::{
    extract::{self, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Html,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    app::SharedApp,
    web::{frame::Frame, problem::Problem, prose::first_line, viewer::Viewer},
};

/// As much as the index reads of a file, in bytes.
const LARGEST: u64 = 1 << 20;

/// What stands in an address as it is.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// Which lines are marked, from 1.
#[derive(Debug, Deserialize)]
pub(crate) struct LinesQuery {
    #[serde(default)]
    from: u32,
    #[serde(default)]
    to: u32,
}

struct Line {
    number: u32,
    text: String,
    marked: bool,
}

#[derive(Template)]
#[template(path = "runbook.html")]
struct RunbookPage {
    frame: Frame,
    file: String,
    lines: Vec<Line>,
}

/// Where lines of a runbook are shown. `file` is relative to the runbook folder.
pub(crate) fn address(file: &str, first: u32, last: u32) -> String {
    format!("/runbooks/{}?from={first}&to={last}#line-{first}", utf8_percent_encode(file, &PLAIN))
}

/// Shows a runbook.
pub(crate) async fn show_runbook(
    State(app): State<SharedApp>,
    extract::Path(file): extract::Path<String>,
    query: Result<Query<LinesQuery>, QueryRejection>,
    viewer: Viewer,
) -> Result<Html<String>, Problem> {
    let Query(LinesQuery { from, to }) =
        query.map_err(|rejection| Problem::not_understood(rejection.body_text()))?;
    let (folder, asked) = (app.config.runbooks.dir.clone(), file.clone());
    let read = tokio::task::spawn_blocking(move || read(&folder, &asked)).await;
    let text = read.ok().and_then(Result::ok).ok_or_else(|| missing(&file))?;
    let lines = (1..).zip(text.lines()).map(|(number, text)| Line {
        number,
        text: text.to_owned(),
        marked: (from..=to).contains(&number),
    });
    let page = RunbookPage {
        lines: lines.collect(),
        frame: Frame::new(&app, viewer, format!("/runbooks/{}", utf8_percent_encode(&file, &PLAIN))).await?,
        file,
    };
    Ok(Html(page.render()?))
}

fn missing(file: &str) -> Problem {
    let words = format!(
        "There is no runbook {} any more, or it cannot be read. It may have been renamed since it was quoted.",
        first_line(file, 200)
    );
    Problem { status: StatusCode::NOT_FOUND, headline: "Not found", words }
}

/// Reads a runbook, and nothing else that the server may read: neither what is hidden nor what a link names outside the folder.
fn read(folder: &Path, file: &str) -> io::Result<String> {
    let refused = || io::Error::from(io::ErrorKind::NotFound);
    let named = Path::new(file);
    let visible =
        |part| matches!(part, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
    let extension = named.extension().unwrap_or_default().to_ascii_lowercase();
    if !named.components().all(visible) || !(extension == "md" || extension == "markdown") {
        return Err(refused());
    }
    let folder: PathBuf = folder.canonicalize()?;
    let path = folder.join(named).canonicalize()?;
    let metadata = fs::metadata(&path)?;
    if !path.starts_with(&folder) || !metadata.is_file() || metadata.len() > LARGEST {
        return Err(refused());
    }
    fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_the_first_line_whatever_the_file_is_called() {
        assert_eq!(address("db/re start?.md", 3, 9), "/runbooks/db/re%20start%3F.md?from=3&to=9#line-3");
    }

    #[test]
    fn only_runbooks_can_be_read() {
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret.md"), "secret").expect("written");
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, "text").expect("written");
        };
        for name in ["a.md", "deep/b.MD", ".git/c.md", "keys.txt"] {
            write(name);
        }
        for file in ["a.md", "deep/b.MD"] {
            assert_eq!(read(folder.path(), file).expect(file), "text");
        }
        let outside = outside.path().join("secret.md");
        let up = format!("../{}", outside.strip_prefix("/tmp").unwrap_or(&outside).display());
        for file in [".git/c.md", "keys.txt", "deep", "none.md", &up, outside.to_str().expect("text"), ""] {
            assert!(read(folder.path(), file).is_err(), "{file}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&outside, folder.path().join("link.md")).expect("a link");
            assert!(read(folder.path(), "link.md").is_err());
        }
    }
}
