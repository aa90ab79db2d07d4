//! A TLS connection as hyper uses it, with what hyper cannot know: whether a byte of a request was sent, whether the
//! agent said something that it was not asked for, and how long the head of an answer is.
//!
//! Just before the first byte of a request is written, everything that has arrived by then is read. What the TLS
//! library needs, such as session tickets, it gets. Anything else makes the connection unusable, and nothing of the
//! request is written: a FIN or RST, because the request would be lost, and bytes of an answer, because they were not
//! sent in answer to it. There are four places where such bytes can be:
//!
//! ```text
//!  kernel ──▶ TLS library: part of a record ──▶ its plaintext ──▶ hyper's buffer
//!  read here  counted in `Socket`               read here         hyper looks, whenever it is polled
//! ```
//!
//! This is exact as of the system call before that which writes. What is still on its way then cannot be known.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::io::{AsyncBufRead, AsyncWrite};
use tokio_rustls::client::TlsStream;

use crate::network::head::Head;
use crate::network::socket::Socket;

/// How far a request is. Shared by the call, which has the request, and hyper's side of the connection.
#[derive(Debug, Default)]
pub(super) struct SendState(AtomicU8);

/// A byte of the request was written, or there is no request.
const SENT: u8 = 0;
/// There is a request, and the connection was not checked for it.
const EXPECTED: u8 = 1;
/// The connection was checked, and what is written next is the request.
const CHECKED: u8 = 2;

impl SendState {
    /// A request is about to be handed over.
    pub(super) fn expect_request(&self) {
        self.0.store(EXPECTED, Ordering::Release);
    }

    /// Whether a request was handed over of which not a byte was written.
    pub(super) fn is_unsent(&self) -> bool {
        self.0.load(Ordering::Acquire) != SENT
    }

    fn set_checked(&self) {
        self.0.store(CHECKED, Ordering::Release);
    }

    /// Something was written. Before the check it was the TLS library's own, such as an alert.
    pub(super) fn note_written(&self) {
        let _ = self.0.compare_exchange(CHECKED, SENT, Ordering::AcqRel, Ordering::Relaxed);
    }
}

/// A connection for hyper.
pub(super) struct Stream {
    tls: TlsStream<Socket>,
    state: Arc<SendState>,
    head: Head,
}

impl Stream {
    pub(super) fn new(tls: TlsStream<Socket>, state: Arc<SendState>) -> Self {
        Self { tls, state, head: Head::default() }
    }

    /// Checks, for the first byte of a request, that nothing has arrived which was not asked for.
    fn check_unasked(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.state.is_unsent() {
            return Ok(());
        }
        match poll_arrived(&mut self.tls, cx) {
            Poll::Pending if self.tls.get_ref().0.is_between_records() => {
                self.head = Head::default();
                self.state.set_checked();
                Ok(())
            }
            Poll::Pending => Err(unusable("the agent has begun to send what it was not asked for")),
            Poll::Ready(Ok(0)) => Err(unusable("the agent had closed the connection")),
            Poll::Ready(Ok(_)) => Err(unusable("the agent sent something before it was asked")),
            Poll::Ready(Err(why)) => Err(why),
        }
    }
}

/// How much plaintext has arrived by now, nothing for the end of the stream; pending where neither is there.
pub(super) fn poll_arrived(tls: &mut TlsStream<Socket>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
    // By the system call: tokio knows only what its reactor was told, which may be later than the arrival.
    tls.get_mut().0.set_direct(true);
    let arrived = Pin::new(&mut *tls).poll_fill_buf(cx).map_ok(<[u8]>::len);
    tls.get_mut().0.set_direct(false);
    arrived
}

fn unusable(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // hyper refuses a head that fills its buffer, and its buffer may be larger than it was told. So what it is
        // given ends where the largest head would: it has to see that before it is given more.
        let room = buffer.remaining().min(this.head.room());
        if room == 0 {
            return Poll::Ready(Ok(()));
        }
        // What has arrived, and not more: to try again costs as much as to read, and most answers are in one record.
        let arrived = ready!(Pin::new(&mut this.tls).poll_fill_buf(cx))?;
        let arrived = arrived.get(..arrived.len().min(room)).unwrap_or_default();
        this.head.read(arrived);
        buffer.put_slice(arrived);
        let length = arrived.len();
        Pin::new(&mut this.tls).consume(length);
        Poll::Ready(Ok(()))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_unasked(cx)?;
        Pin::new(&mut this.tls).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_unasked(cx)?;
        Pin::new(&mut this.tls).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tls).poll_shutdown(cx)
    }
}
