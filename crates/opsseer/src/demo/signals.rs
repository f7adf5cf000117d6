//! Being asked to stop, and asking others.

use std::fmt;

/// What asked this program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// Ctrl-C in the terminal.
    Interrupt,
    /// Somebody else's request.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl StopSignal {
    /// The exit status that shells expect of a program that stopped for it.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::HangUp => 129,
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupt => "Ctrl-C",
            Self::Terminate => "asked to stop",
            Self::HangUp => "the terminal is gone",
        })
    }
}

/// Hears the signals from the moment it is made, also those that arrive before anybody waits.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignals {
    /// Starts to listen.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.hang_up.recv() => StopSignal::HangUp,
        }
    }
}

#[cfg(not(unix))]
impl StopSignals {
    /// Starts to listen.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// The next one.
    pub async fn next(&mut self) -> StopSignal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => StopSignal::Interrupt,
            Err(error) => {
                tracing::warn!(%error, "Ctrl-C cannot be caught");
                std::future::pending().await
            }
        }
    }
}

/// Asks every process of a group to stop. One that is gone already is no error.
#[cfg(unix)]
pub fn terminate_group(leader: u32) -> std::io::Result<()> {
    use rustix::process::{Signal, kill_process_group};
    match kill_process_group(system_pid(leader)?, Signal::TERM) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Asks one process to stop. One that is gone already is no error.
#[cfg(unix)]
pub fn terminate(pid: u32) -> std::io::Result<()> {
    use rustix::process::{Signal, kill_process};
    match kill_process(system_pid(pid)?, Signal::TERM) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a process of this number exists.
#[cfg(unix)]
pub fn is_alive(pid: u32) -> bool {
    use rustix::io::Errno;
    use rustix::process::test_kill_process;
    // EPERM: it exists, and belongs to somebody else.
    system_pid(pid).is_ok_and(|pid| matches!(test_kill_process(pid), Ok(()) | Err(Errno::PERM)))
}

#[cfg(unix)]
fn system_pid(pid: u32) -> std::io::Result<rustix::process::Pid> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    pid.ok_or_else(|| std::io::Error::other("not a process id"))
}

/// Asks one process to stop.
#[cfg(not(unix))]
pub fn terminate(_pid: u32) -> std::io::Result<()> {
    Err(std::io::Error::other("this system has no signals: stop it with Ctrl-C in its own window"))
}

/// Whether a process of this number exists. Not known here, so it is believed to.
#[cfg(not(unix))]
pub fn is_alive(_pid: u32) -> bool {
    true
}
