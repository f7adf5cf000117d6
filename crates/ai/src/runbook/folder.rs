//! The runbook folder: which files it holds, and what keeps a file from being read.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::document::Document;
use super::markdown;

/// Larger files are not runbooks, and would be slow to read on every change.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A folder with more files than this is not a runbook folder.
const MAX_FILES: usize = 5_000;

/// Folders within folders beyond this depth are not read.
const MAX_DEPTH: usize = 12;

/// Why a file, or the folder itself, is not among the runbooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Relative to the runbook folder; `.` is the folder itself.
    pub file: String,
    /// In words.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.reason)
    }
}

/// What a look at the folder finds. Two equal listings mean that nothing has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) files: Vec<Found>,
    pub(super) problems: Vec<Problem>,
    /// The folder itself could not be read.
    pub(super) unreadable: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Relative, `/` between folders.
    pub(super) name: String,
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// Lists the Markdown files under `dir` in order of their names, without reading them.
///
/// Hidden entries are passed over. A link to a file is followed as long as it stays inside the folder, which is how
/// Kubernetes mounts a `ConfigMap`; links to folders are not, for they may go in circles.
pub(super) fn list(dir: &Path) -> Listing {
    let mut listing = Listing::default();
    let entries = dir.canonicalize().and_then(|root| fs::read_dir(&root).map(|entries| (root, entries)));
    match entries {
        Ok((root, entries)) => {
            list_entries(&root, entries, "", 0, &mut listing);
            listing.files.sort_by(|a, b| a.name.cmp(&b.name));
            listing.problems.sort_by(|a, b| a.file.cmp(&b.file));
        }
        Err(error) => {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => format!("the runbook folder {} does not exist", dir.display()),
                _ => format!("the runbook folder {} cannot be read: {error}", dir.display()),
            };
            listing.unreadable = true;
            listing.problem(".", reason);
        }
    }
    listing
}

fn list_entries(root: &Path, entries: fs::ReadDir, prefix: &str, depth: usize, listing: &mut Listing) {
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                listing.problem(
                    if prefix.is_empty() { "." } else { prefix },
                    format!("cannot be listed whole: {error}"),
                );
                continue;
            }
        };
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        if file_name.starts_with('.') {
            continue;
        }
        let name = format!("{prefix}{file_name}");
        let path = entry.path();
        // Follows links; `is_dir` of the entry itself does not.
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if is_markdown(&file_name) => {
                listing.problem(&name, format!("cannot be read: {error}"));
                continue;
            }
            Err(_) => continue,
        };
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if metadata.is_dir() {
            if is_link {
                listing.problem(&name, "a link to a folder is not followed");
            } else if depth + 1 >= MAX_DEPTH {
                listing.problem(&name, format!("folders deeper than {MAX_DEPTH} are not read"));
            } else {
                match fs::read_dir(&path) {
                    Ok(inner) => list_entries(root, inner, &format!("{name}/"), depth + 1, listing),
                    Err(error) => listing.problem(&name, format!("cannot be read: {error}")),
                }
            }
            continue;
        }
        if !is_markdown(&file_name) {
            continue;
        }
        if is_link && !path.canonicalize().is_ok_and(|target| target.starts_with(root)) {
            listing.problem(&name, "is a link that leaves the runbook folder");
        } else if !metadata.is_file() {
            listing.problem(&name, "is not a plain file");
        } else if metadata.len() > MAX_FILE_BYTES {
            listing.problem(&name, format!("is larger than 1 MiB ({} bytes)", metadata.len()));
        } else if listing.files.len() >= MAX_FILES {
            listing.problem(".", format!("holds more than {MAX_FILES} runbooks; the rest is not read"));
            return;
        } else {
            let modified = metadata.modified().ok();
            listing.files.push(Found { name, path, bytes: metadata.len(), modified });
        }
    }
}

fn is_markdown(file_name: &str) -> bool {
    let extension = Path::new(file_name).extension().map(std::ffi::OsStr::to_ascii_lowercase);
    extension.is_some_and(|extension| extension == "md" || extension == "markdown")
}

impl Listing {
    fn problem(&mut self, file: &str, reason: impl Into<String>) {
        let problem = Problem { file: file.to_owned(), reason: reason.into() };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// Reads the files of a listing. What cannot be read becomes a problem, the others are read all the same.
pub(super) fn read(listing: &Listing) -> (Vec<Document>, Vec<Problem>) {
    let mut documents = Vec::with_capacity(listing.files.len());
    let mut problems = listing.problems.clone();
    for found in &listing.files {
        let read = fs::read(&found.path).map_err(|error| format!("cannot be read: {error}"));
        let text =
            read.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned()));
        match text {
            Ok(text) => {
                let document = document_of(&found.name, &text);
                if !document.sections.iter().any(super::document::Section::says_something) {
                    let reason = "holds no text to quote".to_owned();
                    problems.push(Problem { file: found.name.clone(), reason });
                }
                documents.push(document);
            }
            Err(reason) => problems.push(Problem { file: found.name.clone(), reason }),
        }
    }
    (documents, problems)
}

/// One file's content as a document.
pub(super) fn document_of(file: &str, text: &str) -> Document {
    let revision = hex::encode(&Sha256::digest(text.as_bytes())[..6]);
    // A byte order mark would hide a heading on the first line.
    let parsed = markdown::parse(text.trim_start_matches('\u{feff}'));
    let first_title = parsed.sections.iter().find(|section| section.level == 1);
    let first_title =
        first_title.map(|section| section.heading.trim().to_owned()).filter(|title| !title.is_empty());
    let mut document = Document {
        file: file.to_owned(),
        title: first_title.or(parsed.front_title).unwrap_or_default(),
        revision,
        sections: parsed.sections,
    };
    if document.title.is_empty() {
        document.title = document.name().to_owned();
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(dir: &Path) -> Vec<String> {
        read(&list(dir)).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn says_what_it_cannot_read_and_reads_the_rest() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |name: &str, content: &[u8]| fs::write(dir.path().join(name), content).expect("a file");
        fs::create_dir_all(dir.path().join("deep/er")).expect("folders");
        write("deep/er/good.MD", b"# Good\ntext");
        write("latin.md", b"caf\xe9");
        write("empty.md", b"");
        write("huge.md", &vec![b'x'; 1024 * 1024 + 1]);
        write("notes.txt", b"not a runbook");
        write(".hidden.md", b"not shown");
        let (documents, problems) = read(&list(dir.path()));
        let files: Vec<&str> = documents.iter().map(|document| document.file.as_str()).collect();
        assert_eq!(files, ["deep/er/good.MD", "empty.md"]);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "huge.md: is larger than 1 MiB (1048577 bytes)",
                "empty.md: holds no text to quote",
                "latin.md: is not UTF-8 text"
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_inside_the_folder_only() {
        use std::os::unix::fs::symlink;
        let outside = tempfile::tempdir().expect("a folder");
        fs::write(outside.path().join("secret.md"), "# Secret").expect("a file");
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("..data")).expect("a folder");
        fs::write(dir.path().join("..data/mounted.md"), "# Mounted\ntext").expect("a file");
        let link = |target: &Path, name: &str| symlink(target, dir.path().join(name)).expect("a link");
        link(Path::new("..data/mounted.md"), "mounted.md");
        link(&outside.path().join("secret.md"), "stolen.md");
        link(outside.path(), "elsewhere");
        link(Path::new("."), "circle");
        link(Path::new("nowhere.md"), "broken.md");
        let listing = list(dir.path());
        assert_eq!(listing.files.iter().map(|found| found.name.as_str()).collect::<Vec<_>>(), ["mounted.md"]);
        let reasons = reasons(dir.path()).join("\n");
        for line in [
            "circle: a link to a folder",
            "elsewhere: a link to a folder",
            "stolen.md: is a link that leaves",
            "broken.md: cannot be read",
        ] {
            assert!(reasons.contains(line), "{line} not in {reasons}");
        }
    }

    #[test]
    fn a_missing_folder_is_a_problem_in_words() {
        let listing = list(Path::new("no/such/folder"));
        assert!(listing.unreadable && listing.files.is_empty());
        assert_eq!(listing.problems[0].to_string(), ".: the runbook folder no/such/folder does not exist");
    }

    #[test]
    fn a_title_comes_from_the_heading_the_front_matter_or_the_name() {
        assert_eq!(document_of("a.md", "\u{feff}# One\n# Two").title, "One");
        assert_eq!(document_of("a.md", "---\ntitle: Front\n---\ntext").title, "Front");
        assert_eq!(document_of("some/disk-full.md", "text").title, "disk-full");
        assert_eq!(document_of("payments/README.md", "text").title, "payments");
        assert_eq!(document_of("a.md", "x").revision, "2d711642b726");
    }
}
