//! Where this program runs: the one place in the demo that asks the operating system.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;

use super::places::{Checkout, PlaceError, Programs};

/// How long any answer on loopback may take.
const HTTP_TIMEOUT: Duration = Duration::from_secs(3);

/// The program, its checkout, and where other programs are looked for.
#[derive(Debug)]
pub struct Surroundings {
    /// The running program.
    pub program: PathBuf,
    /// The checkout around the working folder, or else around the program.
    pub checkout: Checkout,
    path: Option<OsString>,
}

impl Surroundings {
    /// Those of this process.
    pub fn here() -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("cannot tell where this program lies")?;
        let folder = std::env::current_dir().context("cannot tell the working folder")?;
        let checkout = Checkout::find(&[&folder, &program])?;
        Ok(Self { program, checkout, path: std::env::var_os("PATH") })
    }

    /// The programs of the stack.
    pub fn programs(&self) -> Result<Programs, PlaceError> {
        Programs::find(&self.program, self.path.as_deref())
    }
}

/// Whether output may be coloured, by <https://no-color.org>.
pub fn colour_is_welcome(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A client for loopback: no proxy, no certificates, short time-outs.
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    // reqwest is built without a TLS provider of its own; an error only means that one is in place already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(HTTP_TIMEOUT).build();
    client.context("cannot make an HTTP client")
}
