//! Alertmanager as it is installed, on a free port, with an empty folder. The tests of `opsseer` use this file too.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use url::Url;

/// A configuration with one receiver, which tells nobody.
pub(crate) const TELLS_NOBODY: &str = "route:\n  receiver: opsseer\nreceivers:\n  - name: opsseer\n";

/// Debian's name, and everybody else's.
const NAMES: [&str; 2] = ["prometheus-alertmanager", "alertmanager"];

pub(crate) struct RealAlertmanager {
    process: Child,
    pub(crate) url: Url,
    _folder: TempDir,
}

impl RealAlertmanager {
    /// Starts one with this configuration and waits until it listens.
    pub(crate) fn start(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("alertmanager.yml");
        std::fs::write(&config, text).unwrap();
        let start = |name: &&str| {
            Command::new(name)
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.path={}", folder.path().join("data").display()))
                .args(["--web.listen-address=127.0.0.1:0", "--cluster.listen-address=", "--log.level=info"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .ok()
        };
        let mut process = NAMES.iter().find_map(start).expect("Alertmanager, which `./task test` installs");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = log.by_ref().find_map(|line| {
            let address = line.split_once("Listening on\" address=").map(|(_, address)| address.to_owned());
            said.push(line);
            address
        });
        let Some(address) = address else { panic!("Alertmanager does not listen: {said:#?}") };
        // A full pipe would stop it.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, url: format!("http://{address}").parse().unwrap(), _folder: folder }
    }
}

impl Drop for RealAlertmanager {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
