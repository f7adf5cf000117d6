//! Threads that take what a sick service takes: memory or CPU. Both are bounded.

use std::{
    hint::black_box,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{Mode, Settings};

/// Where a leak stops: far more than the service ever needs, far less than any machine that runs it has.
pub const LEAK_MAX_BYTES: u64 = 512 * MIB;

const MIB: u64 = 1024 * 1024;

/// How often a leak grows. Small steps make a smooth line.
const LEAK_STEP: Duration = Duration::from_millis(100);

/// Turns of the spinning loop between two looks at the stop sign: well under a millisecond.
const SPINS_PER_LOOK: u64 = 100_000;

/// Running threads of one `leak` or `burn`. They stop when this is dropped.
pub(super) struct Hog {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Hog {
    /// Starts what `settings` ask for; `None` in a mode that takes neither memory nor CPU. `leaked` is kept at the
    /// bytes held.
    pub(super) fn start(settings: &Settings, leaked: &Arc<AtomicU64>) -> io::Result<Option<Self>> {
        let mut hog = Self { stop: Arc::default(), threads: Vec::new() };
        match (settings.mode, settings.leak_mib_per_s, settings.burn_threads) {
            (Mode::Leak, Some(mib_per_s), _) => {
                let leaked = Arc::clone(leaked);
                hog.spawn("leak", move |stop| leak(u64::from(mib_per_s) * MIB, &leaked, stop))?;
            }
            (Mode::Burn, _, Some(threads)) => {
                for _ in 0..threads {
                    hog.spawn("burn", burn)?;
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(hog))
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce(&AtomicBool) + Send + 'static) -> io::Result<()> {
        let stop = Arc::clone(&self.stop);
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(move || work(&stop))?);
        Ok(())
    }

    /// Stops and waits until the memory is free and the cores are idle. Blocks for some milliseconds.
    pub(super) fn stop(mut self) {
        for thread in self.tell_to_stop() {
            if thread.join().is_err() {
                tracing::error!("a chaos thread panicked");
            }
        }
    }

    fn tell_to_stop(&mut self) -> Vec<JoinHandle<()>> {
        self.stop.store(true, Ordering::Relaxed);
        for thread in &self.threads {
            thread.thread().unpark();
        }
        std::mem::take(&mut self.threads)
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.tell_to_stop();
    }
}

/// Grows by `bytes_per_s` until the maximum, holds it until told to stop, and frees it.
fn leak(bytes_per_s: u64, leaked: &AtomicU64, stop: &AtomicBool) {
    // One reservation of the maximum costs no memory until it is written to, and an allocation of this size goes
    // back to the system as a whole when it is freed.
    let mut held: Vec<u8> = Vec::new();
    let maximum = usize::try_from(LEAK_MAX_BYTES).unwrap_or(usize::MAX);
    if let Err(error) = held.try_reserve_exact(maximum) {
        tracing::warn!(%error, bytes = LEAK_MAX_BYTES, "nothing leaks: the system refuses the address space");
    }
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let due = began.elapsed().as_millis() * u128::from(bytes_per_s) / 1_000;
        let target = usize::try_from(due).unwrap_or(usize::MAX).min(held.capacity());
        if target > held.len() {
            leaked.fetch_add((target - held.len()) as u64, Ordering::Relaxed);
            held.resize(target, 0xA5);
            black_box(&mut held);
        }
        thread::park_timeout(LEAK_STEP);
    }
    let freed = held.len() as u64;
    drop(held);
    leaked.fetch_sub(freed, Ordering::Relaxed);
}

fn burn(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for turn in 0..SPINS_PER_LOOK {
            black_box(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_grows_and_is_freed() {
        let settings = Settings { mode: Mode::Leak, leak_mib_per_s: Some(64), ..Settings::CALM };
        let leaked = Arc::new(AtomicU64::new(0));
        let hog = Hog::start(&settings, &leaked).unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while leaked.load(Ordering::Relaxed) < 4 * MIB {
            assert!(Instant::now() < deadline, "nothing leaked");
            thread::yield_now();
        }
        hog.stop();
        assert_eq!(leaked.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn calm_modes_take_nothing() {
        for mode in [Mode::None, Mode::Constant, Mode::Sine, Mode::Ramp, Mode::Spike] {
            let settings = Settings { mode, ..Settings::CALM };
            assert!(Hog::start(&settings, &Arc::default()).unwrap().is_none(), "{mode}");
        }
    }
}
