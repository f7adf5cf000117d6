use std::{io, net::SocketAddr};

use crate::EvalError;

/// Why a benchmark could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// An address that cannot be measured.
    #[error("{url} is not the plain HTTP address of a host that can be found")]
    Address {
        /// The address.
        url: String,
    },
    /// A sender could not connect.
    #[error("cannot connect to {address}")]
    Connect {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A connection failed under load.
    #[error("a connection to {address} failed under load")]
    Connection {
        /// The server.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server closed a connection that the load would have kept.
    #[error("{address} closed a connection under load")]
    Closed {
        /// The server.
        address: SocketAddr,
    },
    /// An answer that this client does not understand.
    #[error("{address} answered something that is not HTTP/1.1 with a content-length: {beginning:?}")]
    NotHttp {
        /// The server.
        address: SocketAddr,
        /// The beginning of the answer.
        beginning: String,
    },
    /// A load did not come to its end in time: an answer is missing.
    #[error("{address} left a request unanswered for {seconds} s")]
    TimedOut {
        /// The server.
        address: SocketAddr,
        /// How long the load waited after its end, in seconds.
        seconds: u64,
    },
    /// The thread that makes the load failed.
    #[error("cannot run the load")]
    Thread {
        /// Why.
        source: io::Error,
    },
    /// The server did not do what a measurement needs.
    #[error("cannot {what}: {answer}")]
    Action {
        /// What was asked for.
        what: &'static str,
        /// What it answered.
        answer: String,
    },
    /// The server's alerts cannot be read.
    #[error("cannot read back what the server kept")]
    ReadBack(#[from] EvalError),
}
