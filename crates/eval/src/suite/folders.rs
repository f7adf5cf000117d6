//! Where a suite's data lie.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::EvalError;

/// A data set: its folder and the name that tells it from its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// The folder's name, such as `kubevirt`.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
}

/// The data sets at `data`: itself if it holds a file that `is_data` accepts by its name, or else each of its folders
/// that does, in the order of their names. None at all is an error: a suite over nothing would pass.
///
/// `wanted` says in words what is looked for: "queries.jsonl".
pub fn data_sets(
    data: &Path,
    wanted: &'static str,
    is_data: impl Fn(&str) -> bool,
) -> Result<Vec<DataSet>, EvalError> {
    let own = names_in(data)?;
    if own.iter().any(|(name, path)| path.is_file() && is_data(name)) {
        return Ok(vec![DataSet { name: name_of(data), folder: data.to_owned() }]);
    }
    let mut sets = Vec::new();
    for (name, folder) in own.into_iter().filter(|(_, path)| path.is_dir()) {
        if names_in(&folder)?.iter().any(|(name, path)| path.is_file() && is_data(name)) {
            sets.push(DataSet { name, folder });
        }
    }
    if sets.is_empty() {
        return Err(EvalError::NoData { folder: data.to_owned(), wanted });
    }
    Ok(sets)
}

fn names_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, EvalError> {
    let failed = |source| EvalError::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(failed)?;
    let mut names: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    names.sort();
    Ok(names)
}

/// The folder's own name, also where it is given as `.`.
fn name_of(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_data_set_or_holds_some_or_is_an_error() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let is_data = |name: &str| name == "queries.jsonl";
        let error =
            data_sets(folder.path(), "queries.jsonl", is_data).expect_err("nothing there").to_string();
        assert!(error.contains("queries.jsonl"), "{error}");
        for name in ["b", "a", "empty"] {
            fs::create_dir(folder.path().join(name)).expect("folder");
        }
        for name in ["a", "b"] {
            fs::write(folder.path().join(name).join("queries.jsonl"), "{}").expect("written");
        }
        let names = |path: &Path| {
            let sets = data_sets(path, "queries.jsonl", is_data).expect("found");
            sets.into_iter().map(|set| set.name).collect::<Vec<_>>()
        };
        assert_eq!(names(folder.path()), ["a", "b"]);
        assert_eq!(names(&folder.path().join("b")), ["b"]);
        assert!(data_sets(&folder.path().join("gone"), "x", is_data).is_err());
    }
}
