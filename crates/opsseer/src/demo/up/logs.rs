//! The logs of the stack that `up` left running, or ran last.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::time::sleep;

use super::super::process::last_lines;
use super::super::surroundings::Surroundings;
use super::{LOOK_INTERVAL, say};

/// Shows the last `lines` of each log, or of one, and goes on with what is written if it is to `follow`.
pub(super) async fn show(
    surroundings: &Surroundings,
    name: Option<&str>,
    lines: usize,
    follow: bool,
) -> anyhow::Result<()> {
    let folder = surroundings.checkout.stack_folder();
    let mut files: Vec<PathBuf> = Vec::new();
    if let Ok(entries) = fs::read_dir(&folder) {
        files.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let names: Vec<String> = files.iter().map(|file| stem(file)).collect();
    if let Some(name) = name {
        files.retain(|file| stem(file) == name.to_lowercase());
        if files.is_empty() {
            bail!("there is no log of {name:?}; there are: {}", names.join(", "));
        }
    }
    if files.is_empty() {
        return say("There are no logs yet. `./task up` starts the stack.");
    }
    let mut ends = Vec::new();
    for file in &files {
        ends.push(file.metadata().map_or(0, |metadata| metadata.len()));
        say(&format!("== {} ({})\n{}", stem(file), file.display(), last_lines(file, lines)))?;
    }
    if !follow {
        return Ok(());
    }
    loop {
        for (file, end) in files.iter().zip(&mut ends) {
            for line in lines_after(file, end)? {
                say(&format!("{:<18} {line}", stem(file)))?;
            }
        }
        sleep(LOOK_INTERVAL).await;
    }
}

/// The whole lines of `file` after byte `end`, which moves behind them. A file that became shorter begins anew.
fn lines_after(file: &Path, end: &mut u64) -> anyhow::Result<Vec<String>> {
    let read = || format!("cannot read {}", file.display());
    let mut open = File::open(file).with_context(read)?;
    if open.metadata().with_context(read)?.len() < *end {
        *end = 0;
    }
    open.seek(SeekFrom::Start(*end)).with_context(read)?;
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).with_context(read)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    *end += whole as u64;
    Ok(String::from_utf8_lossy(&bytes[..whole]).lines().map(str::to_owned).collect())
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follower_sees_whole_lines_once_and_a_new_file_from_its_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.log");
        let mut end = 0;
        fs::write(&file, "one\ntwo\nhal").expect("written");
        assert_eq!(lines_after(&file, &mut end).expect("read"), ["one", "two"]);
        fs::write(&file, "one\ntwo\nhalf\n").expect("written");
        assert_eq!(lines_after(&file, &mut end).expect("read"), ["half"]);
        fs::write(&file, "new\n").expect("written");
        assert_eq!(lines_after(&file, &mut end).expect("read"), ["new"]);
    }
}
