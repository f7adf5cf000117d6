//! Just enough of HTTP/1.1 (RFC 9112) to tell an answer's status and where it ends, at little cost: on a small machine
//! the client takes its share of the processor from the server that it measures.

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Length of the head and the body together, in bytes.
    pub(super) length: usize,
}

/// What the bytes received so far are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// The head is not complete.
    Part,
    Head(Head),
    /// Not an answer with a content-length.
    NotHttp,
}

/// Reads the head of an answer. An answer whose length is not told in advance counts as not understood: none of the
/// servers measured here sends one, and to guess its end would be to measure wrongly.
pub(super) fn read(bytes: &[u8]) -> Received {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Received::Part };
    let Ok(head) = str::from_utf8(&bytes[..end]) else { return Received::NotHttp };
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") { value.trim().parse::<usize>().ok() } else { None }
    });
    match (status, length) {
        (Some(status), Some(length)) => Received::Head(Head { status, length: end + 4 + length }),
        _ => Received::NotHttp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_content_length_says() {
        let whole = b"HTTP/1.1 202 Accepted\r\ndate: now\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(read(whole), Received::Head(Head { status: 202, length: whole.len() }));
        assert_eq!(read(&whole[..40]), Received::Part);
    }

    #[test]
    fn what_cannot_be_measured_rightly_is_refused() {
        assert_eq!(read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), Received::NotHttp);
        assert_eq!(read(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), Received::NotHttp);
        assert_eq!(read(b"SSH-2.0\r\n\r\n"), Received::NotHttp);
    }
}
