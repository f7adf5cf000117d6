//! A closed loop of senders.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Barrier,
    task::JoinSet,
};

use super::{
    BenchError,
    answer::{self, Received},
    machine,
    requests::Traffic,
};

/// How long the last answers may take after the end of a load.
const GRACE: Duration = Duration::from_secs(30);

/// A load for one turn.
pub(super) struct Load {
    pub(super) address: SocketAddr,
    pub(super) traffic: Arc<Traffic>,
    pub(super) senders: usize,
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
    pub(super) pid: Option<u32>,
}

/// What one turn gave.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    /// From the first byte sent to the last received, of each answer within the measured time.
    pub(super) latencies: Vec<Duration>,
    /// The server's processor time over the measured time.
    pub(super) cpu: Option<Duration>,
    /// The numbers that were answered as expected, warm-up included.
    pub(super) acknowledged: Vec<u64>,
    /// Answers with another status, warm-up included.
    pub(super) wrong: u64,
    pub(super) first_wrong: Option<String>,
}

impl Load {
    /// Runs the load on a thread of its own: one thread that only sends and receives costs less than tasks that move
    /// between threads, and on few cores every cycle of the client is missing in the server.
    pub(super) async fn run(self, next: Arc<AtomicU64>) -> Result<Measured, BenchError> {
        let on_thread = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|source| BenchError::Thread { source })?.block_on(self.senders_together(next))
        };
        match tokio::task::spawn_blocking(on_thread).await {
            Ok(measured) => measured,
            Err(error) => Err(BenchError::Thread { source: error.into() }),
        }
    }

    async fn senders_together(self, next: Arc<AtomicU64>) -> Result<Measured, BenchError> {
        let load = Arc::new(self);
        let ready = Arc::new(Barrier::new(load.senders + 1));
        let mut senders = JoinSet::new();
        for _ in 0..load.senders {
            let connected = TcpStream::connect(load.address).await;
            let stream = connected.map_err(|source| BenchError::Connect { address: load.address, source })?;
            let _ = stream.set_nodelay(true);
            let (load, ready, next) = (Arc::clone(&load), Arc::clone(&ready), Arc::clone(&next));
            senders.spawn(async move {
                ready.wait().await;
                let from = Instant::now() + load.warm_up;
                load.send_until(stream, from, from + load.measured, &next).await
            });
        }
        ready.wait().await;
        tokio::time::sleep(load.warm_up).await;
        let cpu_before = load.pid.and_then(machine::cpu_time);
        tokio::time::sleep(load.measured).await;
        let cpu_after = load.pid.and_then(machine::cpu_time);

        let mut all = Measured { seconds: load.measured.as_secs_f64(), ..Measured::default() };
        all.cpu = cpu_after.zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
        let late = || BenchError::TimedOut { address: load.address, seconds: GRACE.as_secs() };
        let end = tokio::time::Instant::now() + GRACE;
        while let Some(ended) = tokio::time::timeout_at(end, senders.join_next()).await.map_err(|_| late())? {
            let one = ended.map_err(|error| BenchError::Thread { source: error.into() })??;
            all.latencies.extend(one.latencies);
            all.acknowledged.extend(one.acknowledged);
            all.wrong += one.wrong;
            all.first_wrong = all.first_wrong.or(one.first_wrong);
        }
        Ok(all)
    }

    /// One sender: a request, its answer, the next request. Ends with the first answer after `to`.
    async fn send_until(
        &self,
        mut stream: TcpStream,
        from: Instant,
        to: Instant,
        next: &AtomicU64,
    ) -> Result<Measured, BenchError> {
        // Where nothing has a number of its own, the numbers only choose among the requests.
        let own = AtomicU64::new(0);
        let next = if self.traffic.numbered { next } else { &own };
        let mut measured = Measured::default();
        let mut request = Vec::new();
        let mut answer = Vec::with_capacity(16 * 1024);
        let kinds = u64::try_from(self.traffic.requests.len()).unwrap_or(u64::MAX);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let kind = usize::try_from(number % kinds).unwrap_or(0);
            self.traffic.requests[kind].fill(number, &mut request);
            let sent = Instant::now();
            let failed = |source| BenchError::Connection { address: self.address, source };
            stream.write_all(&request).await.map_err(failed)?;
            let status = self.receive(&mut stream, &mut answer).await?;
            let received = Instant::now();
            if status == self.traffic.expected {
                if self.traffic.numbered {
                    measured.acknowledged.push(number);
                }
                if received >= from && received < to {
                    measured.latencies.push(received - sent);
                }
            } else {
                measured.wrong += 1;
                measured.first_wrong.get_or_insert_with(|| beginning(&answer));
            }
            if received >= to {
                return Ok(measured);
            }
        }
    }

    /// Reads one answer into `answer` and gives its status.
    async fn receive(&self, stream: &mut TcpStream, answer: &mut Vec<u8>) -> Result<u16, BenchError> {
        answer.clear();
        let mut head = None;
        loop {
            let read = stream.read_buf(answer).await;
            let read = read.map_err(|source| BenchError::Connection { address: self.address, source })?;
            if read == 0 {
                return Err(BenchError::Closed { address: self.address });
            }
            if head.is_none() {
                head = match answer::read(answer) {
                    Received::Part => None,
                    Received::Head(head) => Some(head),
                    Received::NotHttp => {
                        return Err(BenchError::NotHttp {
                            address: self.address,
                            beginning: beginning(answer),
                        });
                    }
                };
            }
            match &head {
                Some(head) if answer.len() >= head.length => return Ok(head.status),
                _ => {}
            }
        }
    }
}

fn beginning(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer).chars().take(300).collect()
}
