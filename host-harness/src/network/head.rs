//! How much of an answer's head was read, to the byte.
//!
//! hyper bounds what it buffers of a head, and may have read twice as much by then. So the stream under it counts where
//! the head ends, and gives hyper no more than the largest head before that.

use memchr::memchr;

/// The largest head of an answer, in bytes, from its first byte to the end of its empty line: far more than the few
/// hundred that an agent sends. Interim answers, such as `100 Continue`, have heads of their own.
pub(super) const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The head of an answer, as far as it was read.
#[derive(Default)]
pub(super) struct Head {
    /// Length of the head so far.
    length: usize,
    /// Length of the line so far, without its CR.
    line: usize,
    /// Whether the status line is complete.
    has_status: bool,
    /// The first digit of the status, once it was read.
    status_class: u8,
    is_complete: bool,
}

impl Head {
    /// How many bytes may be read at once: as many as the largest head still has. There is no limit behind a head, nor
    /// where it has none left, because hyper has refused it then.
    pub(super) fn room(&self) -> usize {
        if self.is_complete || self.is_full() { usize::MAX } else { MAX_HEAD_BYTES - self.length }
    }

    /// Whether it is as large as may be, and has not ended.
    pub(super) fn is_full(&self) -> bool {
        self.length >= MAX_HEAD_BYTES
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let (false, Some((&first, rest))) = (self.is_complete, bytes.split_first()) {
            // Behind the status only line ends matter, and whether there is anything between them.
            if first != b'\n' && (self.has_status || self.line > STATUS_OFFSET) {
                let (line, rest) = bytes.split_at(memchr(b'\n', bytes).unwrap_or(bytes.len()));
                self.length += line.len();
                self.line += usize::from(line.iter().any(|&byte| byte != b'\r'));
                bytes = rest;
            } else {
                self.read_byte(first);
                bytes = rest;
            }
        }
    }

    fn read_byte(&mut self, byte: u8) {
        self.length += 1;
        match byte {
            b'\n' if self.line > 0 => (self.has_status, self.line) = (true, 0),
            // An empty line, which in front of the status line is passed over (RFC 9112, section 2.2).
            b'\n' if self.has_status => self.end(),
            b'\n' | b'\r' => {}
            _ => {
                if !self.has_status && self.line == STATUS_OFFSET {
                    self.status_class = byte;
                }
                self.line += 1;
            }
        }
    }

    fn end(&mut self) {
        *self = Self { is_complete: self.status_class != b'1', ..Self::default() };
    }
}

/// Where the status stands in its line: behind `HTTP/1.1` and a blank (RFC 9112, section 4).
const STATUS_OFFSET: usize = 9;

#[cfg(test)]
mod tests {
    use super::{Head, MAX_HEAD_BYTES};

    /// How many bytes of this are read before the head has ended; none if it does not end. Wherever the reads are cut.
    fn end(bytes: &[u8]) -> Option<usize> {
        let mut head = Head::default();
        let end = (1..=bytes.len()).find(|&length| {
            head.read(&bytes[length - 1..length]);
            head.is_complete
        });
        for cut in 0..=bytes.len() {
            let mut head = Head::default();
            head.read(&bytes[..cut]);
            assert_eq!(head.is_complete, end.is_some_and(|end| end <= cut), "{bytes:?}, the first {cut}");
            head.read(&bytes[cut..]);
            assert_eq!(head.is_complete, end.is_some(), "{bytes:?}, cut at {cut}");
        }
        end
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        for (before, after) in [
            ("HTTP/1.1 200 OK\r\na: b\r\n\r\n", "{}"),
            ("HTTP/1.1 200 OK\na: b\n\n", "\r\n\r\n"),
            ("HTTP/1.1 200 OK\r\n\n", ""),
            ("\r\n\r\nHTTP/1.1 500 No\r\n\r\n", "x"),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\na: b\r\n\r\nHTTP/1.0 404 \r\n\r\n", "\n\n"),
        ] {
            assert_eq!(end(format!("{before}{after}").as_bytes()), Some(before.len()), "{before:?}");
        }
        for incomplete in
            ["", "\r\n\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200\r\n \r\n"]
        {
            assert_eq!(end(incomplete.as_bytes()), None, "{incomplete:?}");
        }
    }

    #[test]
    fn there_is_room_for_the_largest_head_and_without_limit_after_it() {
        let mut head = Head::default();
        assert_eq!(head.room(), MAX_HEAD_BYTES);
        head.read(b"HTTP/1.1 100 Continue\r\n\r\n");
        assert_eq!(head.room(), MAX_HEAD_BYTES, "each head has a limit of its own");
        head.read(b"HTTP/1.1 200 OK\r\n");
        assert_eq!(head.room(), MAX_HEAD_BYTES - 17);
        head.read(b"\r\nbody");
        assert_eq!(head.room(), usize::MAX);
    }
}
