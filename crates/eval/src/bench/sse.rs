//! One reader of a live stream, at little cost.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest beginning of a mark that may be at the end of what was read.
const CARRIED: usize = 256;

/// A connection to a stream of server-sent events. It does not parse them: it looks for marks in them.
pub(super) struct Reader {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Reader {
    /// Connects, and waits until the server has answered with 200.
    pub(super) async fn open(address: SocketAddr, path: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut reader = Self { stream, read: Vec::with_capacity(4096) };
        let head = loop {
            reader.more().await?;
            if let Some(end) = reader.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !reader.read.starts_with(b"HTTP/1.1 200") {
            let said = String::from_utf8_lossy(&reader.read).chars().take(200).collect::<String>();
            return Err(io::Error::other(format!("{path} is answered with {said:?}")));
        }
        reader.read.drain(..head);
        Ok(reader)
    }

    /// Waits for more. Gives what each mark in it is followed by: that many bytes of text.
    pub(super) async fn next(&mut self, mark: &[u8], length: usize) -> io::Result<Vec<String>> {
        self.more().await?;
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(place) = self.read[from..].windows(mark.len()).position(|window| window == mark) {
            let begins = from + place + mark.len();
            let Some(text) = self.read.get(begins..begins + length) else { break };
            found.push(String::from_utf8_lossy(text).into_owned());
            from = begins + length;
        }
        // What is kept may be the beginning of a mark, and never a whole one that was found.
        let keep = from.max(self.read.len().saturating_sub(CARRIED));
        self.read.drain(..keep);
        Ok(found)
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}
