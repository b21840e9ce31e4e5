//! Server-sent events (WHATWG HTML, section 9.2), as far as the provider uses them: the data of each event.
//!
//! What is not understood is passed over, as the standard wants it: the picture at the end is paid for.

use bytes::Bytes;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// What is not cut yet.
    rest: Vec<u8>,
    /// How far `rest` was looked through for an end of line.
    seen: usize,
    /// The data of the event that has begun.
    data: Option<Vec<u8>>,
    /// Whether anything was cut yet: a byte order mark may stand at the very beginning.
    begun: bool,
    /// Whether the last line ended with a carriage return, to which a line feed at the start of the next piece belongs.
    after_return: bool,
}

impl Events {
    /// Adds a piece, and gives the data of every event that is whole now.
    pub(super) fn add(&mut self, piece: &Bytes) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(piece);
        let mut whole = Vec::new();
        let mut start = 0;
        let rest = std::mem::take(&mut self.rest);
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            start = usize::from(rest.first() == Some(&b'\n'));
        }
        let mut from = self.seen.max(start);
        while let Some(length) = rest.get(from..).and_then(|tail| tail.iter().position(|byte| b"\r\n".contains(byte))) {
            let end = from + length;
            let line = rest.get(start..end).unwrap_or_default();
            let line = if self.begun { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
            self.begun = true;
            self.line(line, &mut whole);
            start = match (rest.get(end), rest.get(end + 1)) {
                (Some(b'\r'), Some(b'\n')) => end + 2,
                (Some(b'\r'), None) => {
                    self.after_return = true;
                    end + 1
                }
                _ => end + 1,
            };
            from = start;
        }
        self.rest = rest.get(start..).unwrap_or_default().to_vec();
        self.seen = self.rest.len();
        whole
    }

    fn line(&mut self, line: &[u8], whole: &mut Vec<Vec<u8>>) {
        if line.is_empty() {
            whole.extend(self.data.take());
            return;
        }
        let Some(value) = line.strip_prefix(b"data").and_then(|rest| rest.strip_prefix(b":")) else { return };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, piece: usize) -> Vec<String> {
        let mut events = Events::default();
        let pieces = text.as_bytes().chunks(piece);
        let whole = pieces.flat_map(|piece| events.add(&Bytes::copy_from_slice(piece)));
        whole.map(|data| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn events_are_the_same_however_they_are_cut() {
        let text = "\u{feff}: hello\n\nevent: a\ndata: {\"b\":1}\nid: 7\nodd\ncolour: red\n\nevent: none\n\ndata:x\r\ndata:  y\r\n\r\n\
            data: z\r\rdata: unfinished\n";
        for piece in 1..=text.len() {
            assert_eq!(cut(text, piece), ["{\"b\":1}", "x\n y", "z"], "pieces of {piece}");
        }
    }

    #[test]
    fn what_has_no_end_is_no_event() {
        assert!(cut("data: half", 3).is_empty());
        assert!(cut("data: half\n", 3).is_empty());
        assert_eq!(cut("data\n\ndata:\n\n", 2), [""]);
    }
}
