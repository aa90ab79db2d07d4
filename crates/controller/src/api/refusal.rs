//! Answers that hyper gives by itself, to a head that it cannot read: made problem JSON like all others.
//!
//! hyper writes such an answer without a body and has no place to give it one. It is recognised on its way out: a head
//! alone, in one piece, with a status that refuses and a length of nothing. No answer of ours looks like that, since each has
//! a body. One that hyper writes together with the end of an answer before it goes out as it is.

use std::io;
use std::pin::Pin;
use std::str;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::api::problem::{PROBLEM_JSON, Problem, ProblemKind};

/// A connection whose bare refusals get a body.
pub(super) struct Explained<S> {
    stream: S,
    /// What is written instead of a refusal, and how much of it has been.
    instead: Option<(Vec<u8>, usize)>,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, instead: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            this.instead = explain(bytes).map(|instead| (instead, 0));
        }
        let Some((instead, written)) = &mut this.instead else {
            return Pin::new(&mut this.stream).poll_write(cx, bytes);
        };
        while let Some(rest) = instead.get(*written..).filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut this.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                bytes => *written += bytes,
            }
        }
        this.instead = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// The answer to write instead of these bytes, if they are a bare refusal.
fn explain(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(bytes).ok()?.strip_prefix("HTTP/1.1 ")?.strip_suffix("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?;
    if !lines.any(|line| line.eq_ignore_ascii_case("content-length: 0")) {
        return None;
    }
    let (kind, detail) = match status.get(..3)? {
        "400" => (ProblemKind::InvalidArgument, "expected a request of HTTP/1.1, found something else"),
        "431" => (ProblemKind::HeadTooLarge, "the head of the request is longer than 16 KiB, or has over 100 headers"),
        _ => return None,
    };
    let body = Problem::new(kind, detail).json();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {length}\r\n\r\n"
    );
    Some([head.into_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::explain;

    #[test]
    fn only_a_bare_refusal_is_explained() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let explained = String::from_utf8(explain(bare.as_bytes()).unwrap()).unwrap();
        let (head, body) = explained.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        assert!(body.contains("\"kind\":\"head-too-large\""), "{body}");
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            "{\"text\":\"HTTP/1.1 400 Bad Request\"}",
        ] {
            assert_eq!(explain(other.as_bytes()), None, "{other}");
        }
    }
}
