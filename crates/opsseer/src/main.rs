//! The `opsseer` command.

use std::{io, process::ExitCode};

use clap::Parser;
use opsseer::cli::Cli;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the last words of a command that failed")]
async fn main() -> ExitCode {
    match Cli::parse().execute().await {
        Ok(code) => code,
        Err(error) if has_broken_pipe(&error) && nobody_reads() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("opsseer: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn has_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken))
}

/// Whether the reader of what is printed has seen enough and gone, as `head` does. A connection that broke is told in the
/// same way, but must not pass for success.
#[cfg(unix)]
fn nobody_reads() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let stdout = io::stdout();
    let mut asked = [PollFd::new(&stdout, PollFlags::OUT)];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut asked, Some(&at_once)).is_ok() && asked[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

#[cfg(not(unix))]
fn nobody_reads() -> bool {
    true
}
