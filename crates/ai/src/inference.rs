//! Model work on threads of its own, so that it neither waits for web requests nor holds them up.
//!
//! A piece of work waits in a bounded queue; a full queue refuses at once. A thread that is free takes what waits, up to a
//! batch. Work whose caller has left by then is not done, and after a time-out its caller is told. Each piece is counted in the metrics
//! `opsseer_inference_*` under the name of its service.

use std::{
    iter,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

/// How much a model may do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InferenceSettings {
    /// Threads that run the model; 0: as many as the machine has cores.
    pub threads: usize,
    /// Pieces of work that may wait. A further one is refused.
    pub queue: usize,
    /// A piece of work that is not done after this time is given up.
    pub timeout: Duration,
}

impl Default for InferenceSettings {
    fn default() -> Self {
        Self { threads: 0, queue: 256, timeout: Duration::from_secs(10) }
    }
}

impl InferenceSettings {
    /// The number of threads with 0 made a number.
    pub fn thread_count(&self) -> usize {
        match self.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        }
    }
}

/// Why a piece of work has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InferenceError {
    /// The queue is full. A later try may succeed.
    #[error("the model is busy: its queue is full")]
    Busy,
    /// It took longer than the time-out.
    #[error("the model did not answer within {0:?}")]
    Timeout(Duration),
    /// The work itself failed.
    #[error("{0}")]
    Failed(String),
}

struct Waiting<I, O> {
    input: I,
    since: Instant,
    reply: oneshot::Sender<Result<O, String>>,
}

/// The queue before a model, and the threads behind it. They end when it is dropped.
pub(crate) struct InferenceQueue<I, O> {
    service: &'static str,
    sender: mpsc::SyncSender<Waiting<I, O>>,
    timeout: Duration,
}

impl<I: Send + 'static, O: Send + 'static> InferenceQueue<I, O> {
    /// Starts the threads. `work` is what they do to inputs, at most `batch` at once: a result for each, in their order.
    pub(crate) fn start<W>(
        service: &'static str,
        settings: InferenceSettings,
        batch: usize,
        work: W,
    ) -> std::io::Result<Self>
    where
        W: Fn(Vec<I>) -> Result<Vec<O>, String> + Send + Sync + 'static,
    {
        let (sender, receiver) = mpsc::sync_channel(settings.queue.max(1));
        let (receiver, work) = (Arc::new(Mutex::new(receiver)), Arc::new(work));
        for number in 0..settings.thread_count() {
            let (receiver, work) = (Arc::clone(&receiver), Arc::clone(&work));
            let thread = std::thread::Builder::new().name(format!("{service}-{number}"));
            thread.spawn(move || run_what_comes(service, &receiver, batch, &*work))?;
        }
        Ok(Self { service, sender, timeout: settings.timeout })
    }

    /// Has one piece of work done.
    pub(crate) async fn run(&self, input: I) -> Result<O, InferenceError> {
        let (reply, answer) = oneshot::channel();
        match self.sender.try_send(Waiting { input, since: Instant::now(), reply }) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Full(_)) => {
                self.refused("busy");
                return Err(InferenceError::Busy);
            }
            Err(mpsc::TrySendError::Disconnected(_)) => {
                return Err(InferenceError::Failed("the model's threads have ended".to_owned()));
            }
        }
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(done)) => done.map_err(InferenceError::Failed),
            Ok(Err(_)) => Err(InferenceError::Failed("the model's thread ended".to_owned())),
            Err(_) => {
                self.refused("timeout");
                Err(InferenceError::Timeout(self.timeout))
            }
        }
    }

    fn refused(&self, why: &'static str) {
        metrics::counter!("opsseer_inference_refused_total", "service" => self.service, "why" => why)
            .increment(1);
    }
}

fn run_what_comes<I, O>(
    service: &'static str,
    receiver: &Mutex<mpsc::Receiver<Waiting<I, O>>>,
    batch: usize,
    work: &(dyn Fn(Vec<I>) -> Result<Vec<O>, String> + Send + Sync),
) {
    let queued = metrics::histogram!("opsseer_inference_queue_seconds", "service" => service);
    let ran = metrics::histogram!("opsseer_inference_run_seconds", "service" => service);
    let sizes = metrics::histogram!("opsseer_inference_batch_size", "service" => service);
    loop {
        let Some(taken) = take(receiver, batch) else { return };
        let begun = Instant::now();
        let (mut inputs, mut replies) = (Vec::with_capacity(taken.len()), Vec::with_capacity(taken.len()));
        for Waiting { input, since, reply } in taken.into_iter().filter(|waiting| !waiting.reply.is_closed())
        {
            queued.record(begun - since);
            inputs.push(input);
            replies.push(reply);
        }
        if inputs.is_empty() {
            continue;
        }
        sizes.record(u32::try_from(inputs.len()).unwrap_or(u32::MAX));
        // A panic in a model must not cost the thread.
        let done = catch_unwind(AssertUnwindSafe(|| work(inputs)))
            .unwrap_or_else(|_| Err("the model panicked; the log has the details".to_owned()));
        ran.record(begun.elapsed());
        // A caller that left while the model ran needs no answer.
        match done {
            Ok(outputs) => {
                for (reply, output) in replies.into_iter().zip(outputs) {
                    _ = reply.send(Ok(output));
                }
            }
            Err(error) => {
                for reply in replies {
                    _ = reply.send(Err(error.clone()));
                }
            }
        }
    }
}

/// Waits for work and takes what is there, at most `batch`; none when there will be no more.
fn take<T>(receiver: &Mutex<mpsc::Receiver<T>>, batch: usize) -> Option<Vec<T>> {
    // One thread waits for work, the others wait for the lock.
    let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
    let first = receiver.recv().ok()?;
    Some(iter::once(first).chain(receiver.try_iter().take(batch.saturating_sub(1))).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A queue with one thread that is held up until it is let go, with a count of what was done.
    struct Held {
        queue: Arc<InferenceQueue<u32, u32>>,
        let_go: mpsc::Sender<()>,
        begun: mpsc::Receiver<Vec<u32>>,
        done: Arc<AtomicUsize>,
    }

    fn held(queue: usize, timeout: Duration) -> Held {
        let (let_go, wait) = mpsc::channel();
        let (tell, begun) = mpsc::channel();
        let wait = Mutex::new(wait);
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let settings = InferenceSettings { threads: 1, queue, timeout };
        let work = move |inputs: Vec<u32>| {
            tell.send(inputs.clone()).unwrap();
            wait.lock().unwrap().recv().unwrap();
            count.fetch_add(inputs.len(), Ordering::SeqCst);
            assert!(!inputs.contains(&13), "thirteen");
            Ok(inputs.iter().map(|input| input * 2).collect())
        };
        let queue = Arc::new(InferenceQueue::start("test", settings, 3, work).unwrap());
        Held { queue, let_go, begun, done }
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_loses_nothing_it_took() {
        let held = held(1, LONG);
        let ask = |input| {
            tokio::spawn({
                let queue = Arc::clone(&held.queue);
                async move { queue.run(input).await }
            })
        };
        let running = ask(1);
        tokio::task::yield_now().await;
        held.begun.recv().unwrap();
        let waiting = ask(2);
        tokio::task::yield_now().await;
        assert_eq!(held.queue.run(3).await, Err(InferenceError::Busy));
        held.let_go.send(()).unwrap();
        held.let_go.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(2));
        assert_eq!(waiting.await.unwrap(), Ok(4));
    }

    #[tokio::test]
    async fn work_whose_caller_left_is_not_done() {
        let held = held(8, LONG);
        let ask = |input| {
            tokio::spawn({
                let queue = Arc::clone(&held.queue);
                async move { queue.run(input).await }
            })
        };
        let running = ask(1);
        tokio::task::yield_now().await;
        held.begun.recv().unwrap();
        let left = ask(2);
        let stays = ask(3);
        tokio::task::yield_now().await;
        left.abort();
        assert!(left.await.unwrap_err().is_cancelled());
        held.let_go.send(()).unwrap();
        held.let_go.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(2));
        assert_eq!(stays.await.unwrap(), Ok(6));
        assert_eq!(held.done.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn what_waits_is_done_together_up_to_a_batch() {
        let held = held(8, LONG);
        let ask = |input| {
            tokio::spawn({
                let queue = Arc::clone(&held.queue);
                async move { queue.run(input).await }
            })
        };
        let first = ask(1);
        tokio::task::yield_now().await;
        assert_eq!(held.begun.recv().unwrap(), [1]);
        let others: Vec<_> = (2..6).map(ask).collect();
        tokio::task::yield_now().await;
        for _ in 0..3 {
            held.let_go.send(()).unwrap();
        }
        assert_eq!(first.await.unwrap(), Ok(2));
        for (number, other) in (2..6).zip(others) {
            assert_eq!(other.await.unwrap(), Ok(number * 2));
        }
        assert_eq!(held.begun.try_iter().collect::<Vec<_>>(), [vec![2, 3, 4], vec![5]]);
    }

    #[tokio::test]
    async fn a_panic_is_told_and_the_thread_goes_on() {
        let held = held(8, LONG);
        held.let_go.send(()).unwrap();
        held.let_go.send(()).unwrap();
        let failed = held.queue.run(13).await.unwrap_err();
        assert!(failed.to_string().contains("panicked"), "{failed}");
        assert_eq!(held.queue.run(21).await, Ok(42));
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_that_hangs_costs_its_caller_the_time_out() {
        let held = held(8, Duration::from_secs(5));
        assert_eq!(held.queue.run(1).await, Err(InferenceError::Timeout(Duration::from_secs(5))));
        held.let_go.send(()).unwrap();
    }
}
