//! Server-sent events, out of pieces that may be cut anywhere: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

/// Puts events together.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// What came after the last end of a line.
    line: Vec<u8>,
    /// Whether a carriage return ended the last line: a line feed right after it belongs to it.
    returned: bool,
    /// The data of the event that is being read.
    data: Option<String>,
}

impl Events {
    /// Takes what has come. Gives the data of all events that are whole now. Only whole lines are decoded, so that it does not
    /// matter where the network cut.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut whole = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::take(&mut self.returned);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.returned = byte == b'\r';
                    whole.extend(self.end_line());
                }
                other => self.line.push(other),
            }
        }
        whole
    }

    /// The event that the end of the stream leaves without its empty line.
    pub(super) fn finish(&mut self) -> Option<String> {
        let ended = self.end_line();
        ended.or_else(|| self.data.take())
    }

    /// What is held back, in bytes.
    pub(super) fn pending(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    fn end_line(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.data.take();
        }
        let line = String::from_utf8_lossy(&line);
        let value = line.strip_prefix("data:").or_else(|| (line == "data").then_some(""))?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\r\ndata: {\"é\":\r\ndata:1}\r\n\r\nevent: x\ndata: 🦀 ok\n\n\rid: 7\rdata: last\r\rdata: [DONE]";

    fn read(pieces: impl Iterator<Item = Vec<u8>>) -> Vec<String> {
        let mut events = Events::default();
        let mut all: Vec<String> = pieces.flat_map(|piece| events.push(&piece)).collect();
        all.extend(events.finish());
        all
    }

    #[test]
    fn it_does_not_matter_where_the_stream_is_cut() {
        let expected = ["{\"é\":\n1}", "🦀 ok", "last", "[DONE]"];
        for size in 1..=STREAM.len() {
            assert_eq!(
                read(STREAM.as_bytes().chunks(size).map(<[u8]>::to_vec)),
                expected,
                "pieces of {size} bytes"
            );
        }
    }

    #[test]
    fn what_is_held_back_is_known() {
        let mut events = Events::default();
        assert!(events.push(b"data: abc\ndata: de").is_empty());
        assert_eq!(events.pending(), "abc".len() + "data: de".len());
        assert_eq!(events.push(b"\n\n"), ["abc\nde"]);
        assert_eq!(events.pending(), 0);
    }
}
