//! Reads lines of any length and any bytes.

use std::io::{self, BufRead};

use memchr::memchr;

/// The longest line that is read, in bytes: far more than any request has. A longer one is skipped without being kept
/// in memory.
pub(super) const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// One line, without its line end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Reads an input line by line. The last line may lack its line end.
pub(super) struct LineReader<R> {
    input: R,
    limit: usize,
}

impl<R: BufRead> LineReader<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, limit: MAX_LINE_BYTES }
    }

    /// The next line; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let (mut line, mut is_first_part, mut is_too_long) = (Vec::new(), true, false);
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                // A signal that the process handles: nothing was read, and nothing is lost.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() && is_first_part {
                return Ok(None);
            }
            let line_feed = memchr(b'\n', buffer);
            let (part, _) = buffer.split_at(line_feed.unwrap_or(buffer.len()));
            is_too_long |= line.len() + part.len() > self.limit;
            if !is_too_long {
                line.extend_from_slice(part);
            }
            let is_complete = line_feed.is_some() || buffer.is_empty();
            let consumed = part.len() + usize::from(line_feed.is_some());
            self.input.consume(consumed);
            is_first_part = false;
            if is_complete {
                return Ok(Some(if is_too_long { Line::TooLong } else { Line::Whole(line) }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{Line, LineReader};

    fn lines(input: &[u8], limit: usize) -> Vec<Option<Vec<u8>>> {
        // A buffer smaller than a line, so that lines come in parts.
        let mut lines = LineReader { input: BufReader::with_capacity(3, input), limit };
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Whole(line) => Some(line),
                Line::TooLong => None,
            });
        }
        found
    }

    #[test]
    fn lines_end_at_line_feeds_or_with_the_input() {
        let whole = |lines: &[&[u8]]| lines.iter().map(|line| Some(line.to_vec())).collect::<Vec<_>>();
        assert_eq!(lines(b"", 9), whole(&[]));
        assert_eq!(lines(b"one\ntwo\n", 9), whole(&[b"one", b"two"]));
        assert_eq!(lines(b"\nlonger\xff\r\n\nx", 9), whole(&[b"", b"longer\xff\r", b"", b"x"]));
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_and_the_next_one_read() {
        assert_eq!(lines(b"1234\n12345\n1", 4), [Some(b"1234".to_vec()), None, Some(b"1".to_vec())]);
        assert_eq!(lines(b"12345", 4), [None]);
    }
}
