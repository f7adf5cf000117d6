//! The commit that a git checkout stands at, read from its files.

use std::fs;
use std::path::{Path, PathBuf};

/// A reference that points to a reference, and so on, ends after this many steps.
const MAX_STEPS: usize = 4;

/// The commit of the checkout that holds `folder`; `None` when it is in none.
///
/// Reads a few small files and starts no program. The layout is that of gitrepository-layout(5).
pub(super) fn commit_of(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().map(|outer| outer.join(".git")).find(|git| git.exists())?;
    let git = if git.is_dir() { git } else { linked_folder(&git)? };
    // A second worktree has its own HEAD; the branches stand in the folder that all worktrees share.
    let shared = match fs::read_to_string(git.join("commondir")) {
        Ok(path) => git.join(path.trim()),
        Err(_) => git.clone(),
    };
    let mut value = fs::read_to_string(git.join("HEAD")).ok()?;
    for _ in 0..MAX_STEPS {
        let Some(name) = value.trim().strip_prefix("ref:").map(str::trim) else {
            return is_commit(value.trim()).then(|| value.trim().to_owned());
        };
        if name.split('/').any(|part| part == "..") {
            return None;
        }
        value = [&git, &shared]
            .iter()
            .find_map(|folder| fs::read_to_string(folder.join(name)).ok())
            .or_else(|| packed(&shared, name))?;
    }
    None
}

/// `.git` of a worktree or a submodule is a file: `gitdir: PATH`.
fn linked_folder(file: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    let path = text.trim().strip_prefix("gitdir:")?.trim();
    Some(file.parent()?.join(path))
}

/// The commit of a reference that git has moved into its list of references.
fn packed(shared: &Path, name: &str) -> Option<String> {
    let list = fs::read_to_string(shared.join("packed-refs")).ok()?;
    list.lines().find_map(|line| {
        let (commit, of) = line.split_once(' ')?;
        (of == name).then(|| commit.to_owned())
    })
}

/// SHA-1 or SHA-256, in hexadecimal.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
    const OTHER: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    #[test]
    fn finds_the_commit_in_every_layout() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path();
        let runbooks = root.join("ops/runbooks");
        fs::create_dir_all(&runbooks).expect("folders");

        write(root, ".git/HEAD", &format!("{COMMIT}\n"));
        assert_eq!(commit_of(&runbooks).as_deref(), Some(COMMIT), "a detached head");

        write(root, ".git/HEAD", "ref: refs/heads/main\n");
        assert_eq!(commit_of(&runbooks), None, "a branch without a commit");
        write(root, ".git/packed-refs", &format!("# pack-refs\n{OTHER} refs/heads/main\n^{COMMIT}\n"));
        assert_eq!(commit_of(&runbooks).as_deref(), Some(OTHER), "packed");
        write(root, ".git/refs/heads/main", &format!("{COMMIT}\n"));
        assert_eq!(commit_of(&runbooks).as_deref(), Some(COMMIT), "a loose reference comes first");

        write(root, ".git/worktrees/b/HEAD", "ref: refs/heads/main\n");
        write(root, ".git/worktrees/b/commondir", "../..\n");
        write(root, "tree/.git", "gitdir: ../.git/worktrees/b\n");
        assert_eq!(commit_of(&root.join("tree")).as_deref(), Some(COMMIT), "a worktree");

        write(root, ".git/HEAD", "ref: ../../etc/passwd\n");
        assert_eq!(commit_of(&runbooks), None);
        assert_eq!(commit_of(&root.join("nowhere")), None);
    }
}
