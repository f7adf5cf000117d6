//! Which models there are (`models.toml`), and which of them are installed.
//!
//! Fetching them is the business of `opsseer models pull`; this module only reads.

mod installed;
mod manifest;

pub use installed::{Damage, ModelStatus, Models, sha256_of};
pub use manifest::{Manifest, ManifestError, Model, ModelFile, Origin, Source};
