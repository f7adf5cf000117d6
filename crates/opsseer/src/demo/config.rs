//! Copies of the rules and configurations that ship, with the addresses of this run in them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::pieces::{Addresses, Piece};
use super::places::Checkout;
use super::profile::Profile;

/// Why a configuration could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that ships cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The copy cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file does not name an address that it must.
    #[error("{} does not name {address}, the usual address of {piece}", path.display())]
    AddressMissing {
        /// The file.
        path: PathBuf,
        /// What it should name.
        address: String,
        /// Whose address that is.
        piece: Piece,
    },
}

/// Where the copies are.
#[derive(Debug)]
pub struct ConfigFiles {
    /// `prometheus.yml`; its rules stand beside it.
    pub prometheus: PathBuf,
    /// Alertmanager's.
    pub alertmanager: PathBuf,
}

/// Writes them into `folder`, over older ones.
pub fn write(
    checkout: &Checkout,
    profile: Profile,
    addresses: &Addresses,
    folder: &Path,
) -> Result<ConfigFiles, ConfigError> {
    let shipped = checkout.prometheus(profile);
    let copies = folder.join("prometheus");
    if copies.exists() {
        // A rule file that no longer ships must not stay.
        fs::remove_dir_all(&copies).map_err(|source| ConfigError::Write { path: copies.clone(), source })?;
    }
    let rules = copies.join("rules");
    fs::create_dir_all(&rules).map_err(|source| ConfigError::Write { path: rules.clone(), source })?;
    let files = ConfigFiles {
        prometheus: copies.join("prometheus.yml"),
        alertmanager: folder.join("alertmanager.yml"),
    };
    let scraped = Piece::ALL;
    copy(&shipped.join("prometheus.yml"), &files.prometheus, addresses, &scraped)?;
    copy(&checkout.alertmanager(profile), &files.alertmanager, addresses, &[Piece::OpsSeer])?;
    let shipped_rules = shipped.join("rules");
    let read_error = |source| ConfigError::Read { path: shipped_rules.clone(), source };
    for entry in fs::read_dir(&shipped_rules).map_err(read_error)? {
        let entry = entry.map_err(read_error)?;
        copy(&entry.path(), &rules.join(entry.file_name()), addresses, &[])?;
    }
    Ok(files)
}

/// Copies a file with every usual address replaced; those in `must_name` have to occur.
fn copy(from: &Path, to: &Path, addresses: &Addresses, must_name: &[Piece]) -> Result<(), ConfigError> {
    let mut text =
        fs::read_to_string(from).map_err(|source| ConfigError::Read { path: from.to_owned(), source })?;
    for piece in must_name {
        let address = piece.usual_address().to_string();
        if !text.contains(&address) {
            return Err(ConfigError::AddressMissing { path: from.to_owned(), address, piece: *piece });
        }
    }
    for piece in Piece::ALL {
        text = text.replace(&piece.usual_address().to_string(), &addresses.of(piece).to_string());
    }
    fs::write(to, text).map_err(|source| ConfigError::Write { path: to.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copies_name_the_addresses_of_the_run_and_no_usual_one() {
        let checkout = Checkout::find(&[Path::new(env!("CARGO_MANIFEST_DIR"))]).expect("a checkout");
        let folder = tempfile::tempdir().expect("a folder");
        let addresses = Addresses::new(|piece| ([127, 0, 0, 1], 40_000 + piece.usual_port() % 1000).into());
        for profile in [Profile::Stock, Profile::Fast] {
            let files = write(&checkout, profile, &addresses, folder.path()).expect("written");
            let prometheus = fs::read_to_string(&files.prometheus).expect("a file");
            for piece in Piece::ALL {
                assert!(prometheus.contains(&addresses.of(piece).to_string()), "{profile} {piece}");
                assert!(!prometheus.contains(&piece.usual_address().to_string()), "{profile} {piece}");
            }
            let alertmanager = fs::read_to_string(&files.alertmanager).expect("a file");
            assert!(alertmanager.contains("http://127.0.0.1:40888/webhook/alertmanager"), "{alertmanager}");
            let rules = folder.path().join("prometheus/rules/toyprod.yml");
            assert!(fs::read_to_string(rules).expect("a file").contains("ToyProdHighErrorRate"));
        }
    }

    #[test]
    fn a_file_without_the_address_is_not_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("alertmanager.yml");
        fs::write(&from, "url: http://example.org/").expect("written");
        let addresses = Addresses::new(Piece::usual_address);
        let error =
            copy(&from, &folder.path().join("copy"), &addresses, &[Piece::OpsSeer]).expect_err("no address");
        assert!(
            error.to_string().ends_with("does not name 127.0.0.1:8888, the usual address of OpsSeer"),
            "{error}"
        );
    }
}
