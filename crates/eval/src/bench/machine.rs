//! What the figures depend on besides the program.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

/// The machine that a benchmark ran on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processors that this process may use; client and servers share them.
    pub cores: usize,
    /// Operating system and the kernel's release, where it can be told.
    pub kernel: String,
    /// How long it takes until 4 KiB more of a file in the data folder are on the disk: the median of 50, in
    /// milliseconds.
    pub fsync_ms: f64,
}

impl Machine {
    /// Looks at the machine, and at the disk under `folder`.
    pub fn here(folder: &Path) -> io::Result<Self> {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned(),
            fsync_ms: sync_time(folder)?.as_secs_f64() * 1e3,
        })
    }
}

fn sync_time(folder: &Path) -> io::Result<Duration> {
    const TIMES: usize = 50;
    let path = folder.join("fsync-probe");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let mut times = Vec::with_capacity(TIMES);
    for _ in 0..TIMES {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    fs::remove_file(&path)?;
    times.sort_unstable();
    Ok(times[TIMES / 2])
}

/// The processor time that a process has had, in user and kernel mode. Only Linux tells.
pub(super) fn cpu_time(pid: u32) -> Option<Duration> {
    ticks_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Memory that a process occupies, in bytes. Only Linux tells.
pub fn resident_bytes(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// Fields 14 and 15 of `/proc/PID/stat` (the manual page `proc_pid_stat`), in ticks of 10 ms on every Linux that Rust runs on.
fn ticks_of(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_program_name() {
        let stat = "17 (a) (b c) S 1 1 1 0 -1 4194560 1 2 3 4 150 25 0 0 20 0 8 0 100 1000 200";
        assert_eq!(ticks_of(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(ticks_of("nonsense"), None);
    }

    #[test]
    fn the_probe_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(Machine::here(folder.path()).expect("readable").fsync_ms > 0.0);
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 0);
    }
}
