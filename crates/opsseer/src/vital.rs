//! Parts that the server cannot go without: when one of them breaks off, the process ends, for whoever watches over it to
//! start it again. A server that goes on without its writer would refuse for ever.

use std::sync::{Arc, OnceLock};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts such parts and notes the first that broke off. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vital {
    tasks: TaskTracker,
    ending: CancellationToken,
    broken: Arc<OnceLock<&'static str>>,
}

impl Vital {
    /// Parts run in `tasks`, and are told to end by `ending`.
    pub(crate) fn new(tasks: TaskTracker, ending: CancellationToken) -> Self {
        Self { tasks, ending, broken: Arc::default() }
    }

    /// Starts a part. Should it end, or panic, before it is told to, the server ends.
    pub(crate) fn start(&self, part: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let watch = Watch { part, vital: self.clone() };
        self.tasks.spawn(async move {
            // Dropped when the work returns, and when it panics.
            let _watch = watch;
            work.await;
        });
    }

    /// The first part that broke off, if one did.
    pub fn broken(&self) -> Option<&'static str> {
        self.broken.get().copied()
    }
}

struct Watch {
    part: &'static str,
    vital: Vital,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Vital { ending, broken, .. } = &self.vital;
        if !ending.is_cancelled() && broken.set(self.part).is_ok() {
            tracing::error!(part = self.part, "a part broke off that the server cannot go without: ending");
            ending.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vital() -> Vital {
        Vital::new(TaskTracker::new(), CancellationToken::new())
    }

    #[tokio::test]
    async fn a_part_that_panics_or_returns_untold_ends_the_server_and_is_named() {
        let vital = vital();
        vital.start("writer", async { panic!("on purpose") });
        vital.ending.cancelled().await;
        assert_eq!(vital.broken(), Some("writer"));

        let vital = self::vital();
        vital.start("workers", async {});
        vital.ending.cancelled().await;
        assert_eq!(vital.broken(), Some("workers"));
    }

    #[tokio::test]
    async fn a_part_that_ends_when_told_is_well() {
        let vital = vital();
        let told = vital.ending.clone();
        vital.start("writer", async move { told.cancelled().await });
        vital.ending.cancel();
        vital.tasks.close();
        vital.tasks.wait().await;
        assert_eq!(vital.broken(), None);
    }
}
