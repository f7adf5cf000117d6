//! A container's cgroup: where it is, and what its files say.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{fleet::SourceKind, network, usage::Usage};

mod file;
mod locate;
mod v1;
mod v2;

pub(crate) use locate::{Roots, Sought};

/// A container's cgroup that has been found and could be read.
#[derive(Debug)]
pub(crate) struct Cgroup {
    hierarchy: Hierarchy,
    /// The container's full id, which is part of its cgroup's name.
    id: String,
    /// Where its first process stands below `/proc`, if the interfaces that are seen there are its own.
    process: Option<PathBuf>,
}

/// The two forms of the kernel's interface.
#[derive(Debug)]
enum Hierarchy {
    V1(v1::Paths),
    V2(PathBuf),
}

/// Why there is no reading.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The container has ended.
    #[error("the cgroup is gone")]
    Gone,
    /// A file that is there could not be read, or not understood.
    #[error("cannot read the cgroup's files")]
    Io(#[from] io::Error),
}

impl Cgroup {
    /// Finds the cgroup, and reads it once to be sure. `None` if it cannot be seen or read from here.
    pub(crate) fn find(roots: &Roots, sought: &Sought) -> Option<Self> {
        let hierarchy = locate::locate(roots, sought)?;
        let process = sought.own_network.then_some(sought.pid?).map(|pid| roots.proc.join(pid.to_string()));
        let cgroup = Self { hierarchy, id: sought.id.clone(), process };
        cgroup.read().is_ok().then_some(cgroup)
    }

    /// Which form of the kernel's interface it has.
    pub(crate) fn kind(&self) -> SourceKind {
        match self.hierarchy {
            Hierarchy::V1(_) => SourceKind::CgroupV1,
            Hierarchy::V2(_) => SourceKind::CgroupV2,
        }
    }

    /// The figures of now.
    pub(crate) fn read(&self) -> Result<Usage, ReadError> {
        let mut usage = match &self.hierarchy {
            Hierarchy::V1(paths) => v1::read(paths)?,
            Hierarchy::V2(path) => v2::read(path)?,
        };
        if let Some(process) = &self.process
            && self.is_in_here(process)
            && let Ok(table) = fs::read_to_string(process.join("net/dev"))
        {
            let traffic = network::traffic(&table);
            usage.network_receive_bytes = Some(traffic.received);
            usage.network_transmit_bytes = Some(traffic.sent);
        }
        Ok(usage)
    }

    /// Whether the process is still one of the container's: the kernel gives the numbers of processes again.
    fn is_in_here(&self, process: &Path) -> bool {
        fs::read_to_string(process.join("cgroup")).is_ok_and(|cgroups| cgroups.contains(&self.id))
    }
}

/// A container's end can be met at any file: removed altogether, or emptied under an open handle.
fn gone_or_failed(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound => ReadError::Gone,
        _ if error.raw_os_error() == Some(ENODEV) => ReadError::Gone,
        _ => ReadError::Io(error),
    }
}

/// "No such device": what reading a file of a removed cgroup gives.
const ENODEV: i32 = 19;
