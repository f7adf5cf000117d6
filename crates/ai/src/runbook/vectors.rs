//! The vectors of the runbooks on disk, so that a restart does not work them out again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::meaning::{Key, Known};
use crate::embed::{Embed, Vector};

const FILE: &str = "runbook-vectors.bin";

/// The first line of the file. Another number means another layout.
const MAGIC: &str = "opsseer runbook vectors 1";

/// The file that keeps vectors of one model. It is a cache: what cannot be read is worked out again.
///
/// Two lines of text (the layout; the model and the numbers in a vector), then for each vector the first 16 bytes of
/// its text's SHA-256 and its numbers as little-endian `f32`.
pub(super) struct VectorFile {
    path: PathBuf,
    model: String,
    dimensions: usize,
}

impl VectorFile {
    pub(super) fn of(folder: &Path, embedder: &dyn Embed) -> Self {
        let (model, dimensions) = (embedder.model().replace('\n', " "), embedder.dimensions());
        Self { path: folder.join(FILE), model, dimensions }
    }

    fn head(&self) -> String {
        format!("{MAGIC}\n{} {}\n", self.model, self.dimensions)
    }

    /// The vectors of this model; none if there is no such file or it is not sound.
    pub(super) fn load(&self) -> Known {
        match fs::read(&self.path) {
            Ok(bytes) => self.parse(&bytes).unwrap_or_else(|| {
                tracing::info!(file = %self.path.display(), "the kept vectors are of another model or damaged; new ones are worked out");
                Known::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Known::new(),
            Err(error) => {
                tracing::warn!(file = %self.path.display(), "cannot read the kept vectors, new ones are worked out: {error}");
                Known::new()
            }
        }
    }

    fn parse(&self, bytes: &[u8]) -> Option<Known> {
        let rows = bytes.strip_prefix(self.head().as_bytes())?;
        let width = size_of::<Key>() + self.dimensions * size_of::<f32>();
        let rows = rows.chunks_exact(width);
        if !rows.remainder().is_empty() {
            return None;
        }
        let mut known = Known::with_capacity(rows.len());
        for row in rows {
            let (key, numbers) = row.split_first_chunk::<16>()?;
            let vector: Vector = numbers
                .chunks_exact(size_of::<f32>())
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect();
            // Vectors have length 1; what has not is no vector.
            let length: f32 = vector.iter().map(|number| number * number).sum();
            if !(0.9..1.1).contains(&length) {
                return None;
            }
            known.insert(*key, Arc::new(vector));
        }
        Some(known)
    }

    /// Replaces the file in one step: a crash leaves the old one or the new one.
    pub(super) fn save(&self, known: &Known) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let new = self.path.with_extension("new");
        let mut out = io::BufWriter::new(fs::File::create(&new)?);
        out.write_all(self.head().as_bytes())?;
        for (key, vector) in known.iter().filter(|(_, vector)| vector.len() == self.dimensions) {
            out.write_all(key)?;
            for number in vector.iter() {
                out.write_all(&number.to_le_bytes())?;
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, model: &str) -> VectorFile {
        VectorFile { path: folder.join(FILE), model: model.to_owned(), dimensions: 2 }
    }

    #[test]
    fn keeps_vectors_and_takes_nothing_that_is_not_sound() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("index");
        let ours = file(&folder, "mini@1");
        assert!(ours.load().is_empty(), "there is no file yet");
        let known = Known::from([([1; 16], Arc::new(vec![0.6, 0.8])), ([2; 16], Arc::new(vec![-1.0, 0.0]))]);
        ours.save(&known).expect("saved");
        assert_eq!(ours.load(), known);
        assert!(file(&folder, "mini@2").load().is_empty(), "of another model");

        let whole = fs::read(&ours.path).expect("the file");
        fs::write(&ours.path, &whole[..whole.len() - 1]).expect("cut");
        assert!(ours.load().is_empty(), "cut off");
        let mut damaged = whole.clone();
        *damaged.last_mut().expect("a byte") = 0x7f;
        fs::write(&ours.path, damaged).expect("damaged");
        assert!(ours.load().is_empty(), "a number that cannot be");
        fs::write(&ours.path, whole).expect("whole again");
        assert_eq!(ours.load(), known);
    }
}
