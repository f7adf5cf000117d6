//! Links that lead nowhere. Only those within the folder and beside it are followed, never the network.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use super::{Finding, Level, page::Page};

pub(super) fn check(folder: &Path, pages: &[Page], findings: &mut Vec<Finding>) {
    for page in pages {
        for link in &page.links {
            if let Some(why) = fault(folder, pages, page, &link.address) {
                findings.push(Finding {
                    file: page.file.clone(),
                    line: link.line,
                    level: Level::Error,
                    code: "dead_link",
                    message: format!("the link to {} leads nowhere: {why}", link.address),
                });
            }
        }
    }
}

/// What is wrong with a link of `page`, if anything.
fn fault(folder: &Path, pages: &[Page], page: &Page, address: &str) -> Option<String> {
    if is_elsewhere(address) {
        return None;
    }
    let (path, anchor) = address.split_once('#').unwrap_or((address, ""));
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let target = if path.is_empty() { page.file.clone() } else { target_of(&page.file, path) };
    let Some(linked) = pages.iter().find(|page| page.file == target) else {
        let there = folder.join(target_path(&page.file, path)).exists();
        return (!there).then(|| "there is no such file".to_owned());
    };
    let anchor = percent_decode_str(anchor).decode_utf8_lossy();
    if anchor.is_empty() || linked.anchors.contains(anchor.as_ref()) {
        return None;
    }
    Some(format!("{} has no heading with the anchor #{anchor}", linked.file))
}

/// Whether a link is for the network, a mail program, or the root of some site: nothing that can be looked up here.
fn is_elsewhere(address: &str) -> bool {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme);
    let has_scheme = scheme.is_some_and(|scheme| {
        !scheme.is_empty()
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    });
    has_scheme || address.starts_with('/')
}

/// The file that a relative path on the page `from` means, relative to the folder, with `/` between folders.
pub(super) fn target_of(from: &str, path: &str) -> String {
    let path = percent_decode_str(path).decode_utf8_lossy();
    let mut names: Vec<&str> = from.split('/').collect();
    names.pop();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

/// As [`target_of`], for the file system.
fn target_path(from: &str, path: &str) -> PathBuf {
    target_of(from, path).split('/').collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::lint::page;

    #[test]
    fn links_to_files_and_headings_that_are_not_there_are_found_and_no_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("runbooks");
        fs::create_dir_all(root.join("db")).expect("made");
        fs::write(folder.path().join("README.md"), "").expect("written");
        fs::write(root.join("deploy.md"), "# Deploy\n\n## Roll back\n").expect("written");
        let links = "# Slow\n\n[a](../deploy.md) [b](../deploy.md#roll-back) [c](#slow) [d](https://x/y) [e](../../README.md)\n\
             [f](mailto:ops@example.org) [g](/wiki/page)\n\n[dead](deploy.md)\n\n[dead](../deploy.md#roll-forward)\n\n[dead](#fast)\n";
        fs::write(root.join("db/slow.md"), links).expect("written");
        let pages = page::read_all(&root).expect("readable");
        let mut findings = Vec::new();
        check(&root, &pages, &mut findings);
        let seen: Vec<_> = findings.iter().map(|f| (f.file.as_str(), f.line, f.message.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("db/slow.md", 6, "the link to deploy.md leads nowhere: there is no such file"),
                (
                    "db/slow.md",
                    8,
                    "the link to ../deploy.md#roll-forward leads nowhere: deploy.md has no heading with the anchor #roll-forward"
                ),
                (
                    "db/slow.md",
                    10,
                    "the link to #fast leads nowhere: db/slow.md has no heading with the anchor #fast"
                ),
            ]
        );
        assert!(findings.iter().all(|finding| finding.level == Level::Error));
    }
}
