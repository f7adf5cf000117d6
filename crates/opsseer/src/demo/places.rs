//! Where things are: the checkout with its rules and runbooks, and the programs that the stack runs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::profile::Profile;

/// Why something that the stack needs was not found.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// Neither the working folder nor the program lies in a checkout.
    #[error(
        "the rules and runbooks are not here: run this inside a checkout of OpsSeer (looked above {})",
        join(looked)
    )]
    NoCheckout {
        /// The folders that were looked at, and above.
        looked: Vec<PathBuf>,
    },
    /// A program is not installed or not built.
    #[error("cannot find {what}: {remedy}")]
    NoProgram {
        /// The program's name.
        what: &'static str,
        /// How to get it.
        remedy: String,
    },
}

fn join(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" and ")
}

/// A clone of the repository: rules, runbooks and scenarios are read from it.
#[derive(Debug, Clone)]
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// The nearest checkout at or above one of these folders, the first folder first.
    pub fn find(starts: &[&Path]) -> Result<Self, PlaceError> {
        for start in starts {
            for folder in start.ancestors() {
                if folder.join("ops/prometheus/prometheus.yml").is_file() {
                    return Ok(Self { root: folder.to_owned() });
                }
            }
        }
        Err(PlaceError::NoCheckout { looked: starts.iter().map(|path| (*path).to_owned()).collect() })
    }

    /// The folder with `prometheus.yml` and `rules/` of a profile.
    pub fn prometheus(&self, profile: Profile) -> PathBuf {
        match profile {
            Profile::Stock => self.root.join("ops/prometheus"),
            Profile::Fast => self.root.join("ops/prometheus/fast"),
        }
    }

    /// Alertmanager's configuration of a profile.
    pub fn alertmanager(&self, profile: Profile) -> PathBuf {
        self.root.join("ops/alertmanager").join(match profile {
            Profile::Stock => "alertmanager.yml",
            Profile::Fast => "alertmanager-fast.yml",
        })
    }

    /// What toyprod promises.
    pub fn objectives(&self) -> PathBuf {
        self.root.join("ops/slo.toml")
    }

    /// The folder with the runbooks.
    pub fn runbooks(&self) -> PathBuf {
        self.root.join("runbooks")
    }

    /// A scenario that ships.
    pub fn scenario(&self, name: &str) -> PathBuf {
        self.root.join("scenarios").join(name).with_extension("toml")
    }

    /// Where `stack up` keeps its data from one day to the next. Git ignores it.
    pub fn stack_folder(&self) -> PathBuf {
        self.root.join("data/stack")
    }

    /// Where `stack up` writes down what runs.
    pub fn stack_state(&self) -> PathBuf {
        self.stack_folder().join("state.json")
    }
}

/// The programs of the stack.
#[derive(Debug, Clone)]
pub struct Programs {
    /// This program.
    pub opsseer: PathBuf,
    /// The demo service.
    pub toyprod: PathBuf,
    /// The exporter of containers.
    pub container_exporter: PathBuf,
    /// Prometheus.
    pub prometheus: PathBuf,
    /// Alertmanager.
    pub alertmanager: PathBuf,
}

impl Programs {
    /// Looks beside `opsseer` for what is built here, and there and on `path` for the others.
    pub fn find(opsseer: &Path, path: Option<&OsStr>) -> Result<Self, PlaceError> {
        let beside = opsseer.parent().unwrap_or(Path::new("."));
        let mut folders = vec![beside.to_owned()];
        folders.extend(path.map(std::env::split_paths).into_iter().flatten());
        let find = |what, names: &[&str], remedy: &dyn Fn() -> String| {
            let candidates =
                folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(executable(name))));
            candidates
                .into_iter()
                .find(|file| is_executable(file))
                .ok_or_else(|| PlaceError::NoProgram { what, remedy: remedy() })
        };
        let from_here = |name: &str| {
            format!(
                "it is expected beside this program, in {}; build it with `cargo build --bin {name}`",
                beside.display()
            )
        };
        let from_debian = |package: &str| {
            format!(
                "on Debian or Ubuntu it is the package `{package}`, which `./task demo` installs; elsewhere put the \
                 release from https://prometheus.io/download/ on the PATH"
            )
        };
        Ok(Self {
            opsseer: opsseer.to_owned(),
            toyprod: find("toyprod", &["toyprod"], &|| from_here("toyprod"))?,
            container_exporter: find("container-exporter", &["container-exporter"], &|| {
                from_here("container-exporter")
            })?,
            prometheus: find("Prometheus", &["prometheus"], &|| from_debian("prometheus"))?,
            alertmanager: find("Alertmanager", &["prometheus-alertmanager", "alertmanager"], &|| {
                from_debian("prometheus-alertmanager")
            })?,
        })
    }
}

/// `name`, or `name.exe` on Windows.
fn executable(name: &str) -> OsString {
    let mut file = OsString::from(name);
    file.push(std::env::consts::EXE_SUFFIX);
    file
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> Checkout {
        Checkout::find(&[Path::new(env!("CARGO_MANIFEST_DIR"))]).expect("this crate lies in a checkout")
    }

    #[test]
    fn a_checkout_is_found_from_a_folder_in_it_and_its_files_exist() {
        let checkout = checkout();
        for profile in [Profile::Stock, Profile::Fast] {
            assert!(checkout.prometheus(profile).join("rules").is_dir(), "{profile}");
            assert!(checkout.alertmanager(profile).is_file(), "{profile}");
            assert!(checkout.scenario(profile.scenario()).is_file(), "{profile}");
        }
        let error = Checkout::find(&[Path::new("/")]).expect_err("no checkout there");
        assert!(error.to_string().contains("inside a checkout"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_missing_program_is_named_with_the_way_to_get_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, mode| {
            let file = folder.path().join(name);
            std::fs::write(&file, "").expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("set");
        };
        let missing = || {
            let opsseer = folder.path().join("opsseer");
            Programs::find(&opsseer, Some(folder.path().as_os_str())).map_err(|error| error.to_string())
        };
        assert!(missing().expect_err("no toyprod").contains("cargo build --bin toyprod"));
        put("toyprod", 0o755);
        assert!(missing().expect_err("no exporter").contains("cargo build --bin container-exporter"));
        put("container-exporter", 0o755);
        put("prometheus", 0o644);
        let error = missing().expect_err("prometheus is no program");
        assert!(
            error.contains("cannot find Prometheus") && error.contains("package `prometheus`"),
            "{error}"
        );
        put("prometheus", 0o755);
        put("alertmanager", 0o755);
        assert_eq!(missing().expect("all there").alertmanager, folder.path().join("alertmanager"));
    }
}
