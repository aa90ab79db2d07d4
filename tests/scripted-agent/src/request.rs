//! Reads requests (RFC 9112) from a connection, one after the other.

use std::io::{Error, ErrorKind, Result};

use memchr::memmem;
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request, read to the end of its body.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case, values as they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the peer allows the connection to be kept.
    pub(crate) keeps_alive: bool,
}

impl Request {
    fn from_head(head: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let mut start = lines.next()?.split(' ');
        let (method, path, version) = (start.next()?, start.next()?, start.next()?);
        if start.next().is_some() || !version.starts_with("HTTP/1.") {
            return None;
        }
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: lines.map(header).collect::<Option<_>>()?,
            body: Vec::new(),
            keeps_alive: version == "HTTP/1.1",
        };
        request.keeps_alive &= !request.header_has("connection", "close");
        Some(request)
    }

    fn header_has(&self, name: &str, option: &str) -> bool {
        let values = self.headers.iter().filter(|(found, _)| found == name);
        values.flat_map(|(_, value)| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(option))
    }

    fn content_length(&self) -> Option<usize> {
        let mut headers = self.headers.iter();
        match headers.find(|(name, _)| name == "content-length") {
            Some((_, digits)) => digits.parse().ok(),
            None => Some(0),
        }
    }
}

fn header(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// Reads the requests of one connection. Holds what was read beyond the last of them.
#[derive(Default)]
pub(crate) struct RequestReader {
    unread: Vec<u8>,
    bytes_read: usize,
}

impl RequestReader {
    /// All bytes that were read so far, of whole requests and of others.
    pub(crate) fn bytes_read(&self) -> usize {
        self.bytes_read
    }

    /// The next request, whole.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidData`] if it is not HTTP; [`ErrorKind::UnexpectedEof`] if the peer ended the connection,
    /// between two requests or within one; whatever else the connection fails with.
    pub(crate) async fn next(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Request> {
        let head = self.take_past(stream, b"\r\n\r\n").await?;
        let mut request = Request::from_head(&head).ok_or(ErrorKind::InvalidData)?;
        request.body = if request.header_has("transfer-encoding", "chunked") {
            self.chunks(stream).await?
        } else {
            let length = request.content_length().ok_or(ErrorKind::InvalidData)?;
            self.take(stream, length).await?
        };
        Ok(request)
    }

    async fn chunks(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.take_past(stream, b"\r\n").await?;
            let line = String::from_utf8_lossy(&line);
            let digits = line.split(';').next().unwrap_or_default().trim();
            let length = usize::from_str_radix(digits, 16).map_err(|_| ErrorKind::InvalidData)?;
            if length == 0 {
                while self.take_past(stream, b"\r\n").await? != b"\r\n" {}
                return Ok(body);
            }
            body.extend(self.take(stream, length).await?);
            self.take(stream, b"\r\n".len()).await?;
        }
    }

    /// Everything up to and with the mark.
    async fn take_past(&mut self, stream: &mut (impl AsyncRead + Unpin), mark: &[u8]) -> Result<Vec<u8>> {
        loop {
            if let Some(at) = memmem::find(&self.unread, mark) {
                return self.take(stream, at + mark.len()).await;
            }
            // A TLS client at a port without TLS begins with a control character and then waits. Without this check
            // both sides would wait.
            let binary = self.unread.first().is_some_and(u8::is_ascii_control);
            if (binary && self.unread.first() != Some(&b'\r')) || self.unread.len() > HEAD_LIMIT {
                return Err(ErrorKind::InvalidData.into());
            }
            self.fill(stream).await?;
        }
    }

    async fn take(&mut self, stream: &mut (impl AsyncRead + Unpin), length: usize) -> Result<Vec<u8>> {
        while self.unread.len() < length {
            self.fill(stream).await?;
        }
        let rest = self.unread.split_off(length);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    async fn fill(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<()> {
        match stream.read_buf(&mut self.unread).await? {
            0 => Err(Error::from(ErrorKind::UnexpectedEof)),
            length => {
                self.bytes_read += length;
                Ok(())
            }
        }
    }
}

/// Bytes of a head, or of a chunk's first line. No request of ours is near it; what is longer is not HTTP.
const HEAD_LIMIT: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Result};

    use super::{Request, RequestReader};

    async fn read_all(mut bytes: &[u8]) -> (Vec<Request>, ErrorKind) {
        let mut reader = RequestReader::default();
        let mut requests = Vec::new();
        loop {
            let next: Result<Request> = reader.next(&mut bytes).await;
            match next {
                Ok(request) => requests.push(request),
                Err(error) => return (requests, error.kind()),
            }
        }
    }

    #[tokio::test]
    async fn requests_that_come_together_are_told_apart() {
        let (requests, end) = read_all(
            b"POST /backup HTTP/1.1\r\nContent-Length: 2\r\nX-A:  b \r\n\r\n{}\
              POST /disks/eject HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;x\r\nabc\r\n1\r\nd\r\n0\r\nT: v\r\n\r\n\
              GET /storage HTTP/1.1\r\nConnection: close\r\n\r\nGET /cut HT",
        )
        .await;
        let [first, second, third] = &requests[..] else {
            panic!("three requests");
        };
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/backup"));
        assert_eq!(first.headers[1], ("x-a".to_owned(), "b".to_owned()));
        assert_eq!((&first.body[..], first.keeps_alive), (&b"{}"[..], true));
        assert_eq!((&second.body[..], second.keeps_alive), (&b"abcd"[..], true));
        assert_eq!((&third.body[..], third.keeps_alive), (&b""[..], false));
        assert_eq!(end, ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn an_old_version_does_not_keep_the_connection() {
        let (requests, _) = read_all(b"GET / HTTP/1.0\r\n\r\n").await;
        assert!(!requests[0].keeps_alive);
    }

    #[tokio::test]
    async fn what_is_not_http_is_refused_without_waiting_for_more() {
        for bytes in [&[0x16, 3, 1][..], b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nx\r\n\r\n"] {
            let (requests, end) = read_all(bytes).await;
            assert_eq!((requests.len(), end), (0, ErrorKind::InvalidData), "{bytes:?}");
        }
    }
}
