//! Where data come from and under which licence: a figure is worth what its data are.
//!
//! The folder with the data has a `README.md` with a table whose head begins with `folder`, `from`, `licence`; the first
//! cell of a row is a folder below it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The folder, as the table names it.
    pub folder: String,
    /// Whose it is.
    pub from: String,
    /// Under which licence.
    pub licence: String,
    /// What it holds.
    pub holds: String,
}

/// How many folders are looked into, going up.
const LEVELS: usize = 4;

/// The sources of the data in `data`: the rows of the nearest `README.md` at or above it that name this folder, one
/// above it or one below it. None, if nothing says where they come from.
pub fn of(data: &Path) -> Vec<Source> {
    let whole = data.canonicalize().unwrap_or_else(|_| data.to_owned());
    for folder in whole.ancestors().take(LEVELS) {
        let Ok(text) = fs::read_to_string(folder.join("README.md")) else { continue };
        let mut rows = rows(&text);
        rows.retain(|row| {
            let named: PathBuf = folder.join(&row.folder);
            named.starts_with(&whole) || whole.starts_with(&named)
        });
        if !rows.is_empty() {
            return rows;
        }
    }
    Vec::new()
}

fn rows(text: &str) -> Vec<Source> {
    let mut lines = text.lines().map(cells).skip_while(|cells| {
        !matches!(cells.as_slice(), [folder, from, licence, ..]
            if folder == "folder" && from == "from" && licence == "licence")
    });
    // The head, and the line under it.
    lines.by_ref().take(2).for_each(drop);
    let source = |cells: Vec<String>| {
        let mut cells = cells.into_iter();
        Some(Source {
            folder: cells.next()?.trim_matches('`').to_owned(),
            from: cells.next()?,
            licence: cells.next()?,
            holds: cells.collect::<Vec<_>>().join("|"),
        })
    };
    lines.map_while(source).collect()
}

/// The cells of a table's row; none if the line is no row.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let inner = line.strip_prefix('|').map(|rest| rest.strip_suffix('|').unwrap_or(rest));
    inner.map(|inner| inner.split('|').map(|cell| cell.trim().to_owned()).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_that_concern_a_folder_are_found_from_above_and_below() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let text = "# Data\n\n| folder | from | licence | holds |\n|---|---|---|---|\n\
            | `runbooks/a` | Ada | MIT | 3 documents |\n| `runbooks/b` | Bob | CC0 | times `x,y|z` |\n\
            | `alerts` | Cy | CC BY 4.0 | rules |\n\nAnd | more |.\n";
        fs::write(folder.path().join("README.md"), text).expect("written");
        for name in ["runbooks/a/docs", "runbooks/b", "alerts", "other"] {
            fs::create_dir_all(folder.path().join(name)).expect("folder");
        }
        let names =
            |path: &str| of(&folder.path().join(path)).into_iter().map(|row| row.from).collect::<Vec<_>>();
        assert_eq!(names("runbooks"), ["Ada", "Bob"]);
        assert_eq!(names("runbooks/a/docs"), ["Ada"]);
        assert_eq!(names("alerts"), ["Cy"]);
        assert_eq!(names(""), ["Ada", "Bob", "Cy"]);
        assert!(names("other").is_empty());
        assert_eq!(of(&folder.path().join("runbooks/b"))[0].holds, "times `x,y|z`");
    }
}
