//! What of the models lies in their folder.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Manifest, Model, ModelFile};

/// The folder of the models. Each has a folder of its role's name in it.
#[derive(Debug, Clone)]
pub struct Models {
    folder: PathBuf,
    manifest: Manifest,
}

/// Whether a model can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ModelStatus {
    /// All files are there.
    Installed,
    /// At least one file is not there.
    Missing {
        /// The command that installs it.
        command: String,
    },
    /// At least one file is not what the manifest says.
    Damaged {
        /// Which, and how.
        files: Vec<Damage>,
        /// The command that installs it anew.
        command: String,
    },
    /// No model of this version has the role.
    Unknown,
}

impl ModelStatus {
    /// The command that makes the model usable, where it is not.
    pub fn command(&self) -> Option<&str> {
        match self {
            Self::Installed | Self::Unknown => None,
            Self::Missing { command } | Self::Damaged { command, .. } => Some(command),
        }
    }
}

/// A file that is not what the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file's name.
    pub file: String,
    /// What is wrong with it, in words.
    pub problem: String,
}

impl Models {
    /// The models of [`Manifest::builtin`] in a folder that need not exist.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self::with_manifest(folder, Manifest::builtin().clone())
    }

    /// The models of another manifest.
    pub fn with_manifest(folder: impl Into<PathBuf>, manifest: Manifest) -> Self {
        Self { folder: folder.into(), manifest }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The models that there are.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Where a file of a model lies or will lie.
    pub fn path(&self, role: &str, file: &str) -> PathBuf {
        self.folder.join(role).join(file)
    }

    /// Whether the files of a role are there in their size. Quick: their bytes are not read.
    pub fn status(&self, role: &str) -> ModelStatus {
        self.look(role, size_problem)
    }

    /// Whether the files of a role are those of the manifest, byte for byte. Reads them all.
    pub fn verify(&self, role: &str) -> ModelStatus {
        self.look(role, |path, file| match size_problem(path, file)? {
            None => digest_problem(path, file),
            problem => Ok(problem),
        })
    }

    fn look(
        &self,
        role: &str,
        problem: impl Fn(&Path, &ModelFile) -> io::Result<Option<String>>,
    ) -> ModelStatus {
        let Some(model) = self.manifest.model(role) else { return ModelStatus::Unknown };
        let mut damaged = Vec::new();
        for file in &model.files {
            let found = problem(&self.path(role, &file.name), file);
            let problem = match found {
                Ok(None) => continue,
                Ok(Some(problem)) => problem,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return missing(model),
                Err(error) => format!("cannot be read: {error}"),
            };
            damaged.push(Damage { file: file.name.clone(), problem });
        }
        if damaged.is_empty() {
            ModelStatus::Installed
        } else {
            ModelStatus::Damaged { files: damaged, command: model.pull_command() }
        }
    }
}

fn missing(model: &Model) -> ModelStatus {
    ModelStatus::Missing { command: model.pull_command() }
}

fn size_problem(path: &Path, file: &ModelFile) -> io::Result<Option<String>> {
    let bytes = std::fs::metadata(path)?.len();
    Ok((bytes != file.bytes).then(|| format!("has {bytes} bytes in place of {}", file.bytes)))
}

fn digest_problem(path: &Path, file: &ModelFile) -> io::Result<Option<String>> {
    let sha256 = sha256_of(path)?;
    Ok((sha256 != file.sha256).then(|| format!("has the sha256 {sha256} in place of {}", file.sha256)))
}

/// The digest of a file as the manifest writes it. Reads the file in parts.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let (mut file, mut digest, mut part) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            return Ok(hex::encode(digest.finalize()));
        }
        digest.update(&part[..read]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one model of two files, "abc" and "abc" again.
    fn installed() -> (tempfile::TempDir, Models) {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let file = |name| {
            format!(
                "[[model.file]]\nname = \"{name}\"\nbytes = 3\nsha256 = \"{digest}\"\nsources = [\"pypi:p==1/m\"]\n"
            )
        };
        let text = format!(
            "[[model]]\nrole = \"x\"\nused = true\nname = \"n\"\nabout = \"a\"\nlicence = \"MIT\"\norigin = \"o\"\n{}{}",
            file("one"),
            file("two")
        );
        let folder = tempfile::tempdir().unwrap();
        let models = Models::with_manifest(folder.path(), Manifest::parse(&text).unwrap());
        std::fs::create_dir(folder.path().join("x")).unwrap();
        for name in ["one", "two"] {
            std::fs::write(models.path("x", name), "abc").unwrap();
        }
        (folder, models)
    }

    #[test]
    fn what_is_there_as_it_should_be_is_installed() {
        let (_folder, models) = installed();
        assert_eq!(models.status("x"), ModelStatus::Installed);
        assert_eq!(models.verify("x"), ModelStatus::Installed);
        assert_eq!(models.status("y"), ModelStatus::Unknown);
    }

    #[test]
    fn a_missing_file_is_told_with_the_command() {
        let (_folder, models) = installed();
        std::fs::remove_file(models.path("x", "two")).unwrap();
        assert_eq!(models.status("x"), ModelStatus::Missing { command: "opsseer models pull x".into() });
        assert_eq!(
            Models::at("/nowhere").status("embeddings").command(),
            Some("opsseer models pull embeddings")
        );
    }

    #[test]
    fn a_changed_byte_is_found_by_verify_and_a_changed_size_at_once() {
        let (_folder, models) = installed();
        std::fs::write(models.path("x", "two"), "abd").unwrap();
        assert_eq!(models.status("x"), ModelStatus::Installed);
        let ModelStatus::Damaged { files, .. } = models.verify("x") else { panic!("not found") };
        assert_eq!(files[0].file, "two");
        assert!(files[0].problem.contains("sha256"));
        std::fs::write(models.path("x", "two"), "abcd").unwrap();
        let ModelStatus::Damaged { files, .. } = models.status("x") else { panic!("not found") };
        assert_eq!(files[0].problem, "has 4 bytes in place of 3");
    }
}
