//! A stream between hyper and TLS that spoils an answer while it is written: slower, cut off, or with surplus bytes.
//!
//! ```text
//!   AgentService ---- answer ----> hyper ---- bytes of the answer ----> TamperedStream ----> TLS ----> TCP
//!        |                                                                    ^
//!        +--- Plan, put into the PlanSlot just before hyper has the answer ---+
//! ```
//!
//! The service cannot damage the bytes itself, because hyper writes them: it insists that Content-Length and body
//! agree, and closes no connection in the middle of an answer. The stream in turn sees bytes and knows nothing of
//! answers. What joins the two is their order: a connection has one answer under way at a time, so the first byte that
//! is written after a plan was put into the slot is the first byte of that plan's answer. The stream then counts, and
//! the fault falls on exactly the byte that was asked for. (A client that pipelines breaks the order: its next plan may
//! start while the answer before is still dripping. HTTP clients have given up pipelining.)
//!
//! Each write is in these steps, and any of them may have to wait and be polled again:
//!
//! 1. A plan in the slot replaces the current one, and the count starts at 0.
//! 2. Where the count has reached the cut, the ending happens, after a flush of what was written before it.
//! 3. A pause that a drip began is waited for.
//! 4. As many bytes are written as there are before the next pause or cut, and counted.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

use crate::lock::lock;

/// What happens to one answer on its way.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The pause after each byte; `None` for as fast as the client reads.
    pub(crate) drip: Option<Duration>,
    pub(crate) cut: Option<Cut>,
}

/// A place in an answer, and what happens there.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) at: Place,
    pub(crate) then: Ending,
}

/// How many bytes come before the cut.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Of the whole answer, head included.
    Answer(u64),
    /// Of the body, after all of the head.
    Body(u64),
}

#[derive(Debug)]
pub(crate) enum Ending {
    /// TCP reset.
    Reset,
    /// TLS `close_notify`, then the end of the TCP stream.
    Close,
    /// These bytes, which no framing announced; the connection stays open.
    Append(Bytes),
}

/// Where the service of a connection leaves the plan for its next answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlanSlot(Arc<Mutex<Option<Plan>>>);

impl PlanSlot {
    pub(crate) fn put(&self, plan: Plan) {
        *lock(&self.0) = Some(plan);
    }
}

/// The server's side of a TLS connection, with the plan for the answer being written.
#[derive(Debug)]
pub(crate) struct TamperedStream {
    tls: TlsStream<TcpStream>,
    slot: PlanSlot,
    plan: Plan,
    /// Bytes of the current answer that were written.
    sent: u64,
    pause: Option<Pin<Box<Sleep>>>,
}

impl TamperedStream {
    pub(crate) fn new(tls: TlsStream<TcpStream>, slot: PlanSlot) -> Self {
        Self { tls, slot, plan: Plan::default(), sent: 0, pause: None }
    }

    /// Starts the plan in the slot, if there is one, with these first bytes of its answer.
    fn start_plan(&mut self, answer: &[u8]) {
        let Some(mut plan) = lock(&self.slot.0).take() else {
            return;
        };
        if let Some(cut) = &mut plan.cut
            && let Place::Body(bytes) = cut.at
        {
            // hyper writes an answer's head in one piece, so the whole head is in these bytes.
            cut.at = Place::Answer(head_length(answer) + bytes);
        }
        self.plan = plan;
        self.sent = 0;
        self.pause = None;
    }

    /// How many of this many bytes may be written before the next pause or cut.
    fn allowance(&self, length: usize) -> usize {
        let before_cut = match &self.plan.cut {
            Some(Cut { at: Place::Answer(at), .. }) => at.saturating_sub(self.sent),
            _ => u64::MAX,
        };
        let before_pause = if self.plan.drip.is_some() { 1 } else { length };
        usize::try_from(before_cut).unwrap_or(usize::MAX).min(before_pause).min(length)
    }

    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        Poll::Ready(())
    }

    /// Ends the answer where the place of the cut is reached. An error makes hyper end the connection.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(Cut { at: Place::Answer(at), then }) = &mut self.plan.cut else {
            return Poll::Ready(Ok(()));
        };
        if self.sent < *at {
            return Poll::Ready(Ok(()));
        }
        let mut tls = Pin::new(&mut self.tls);
        // TLS buffers records, and what is still buffered when the socket is closed is never sent.
        ready!(tls.as_mut().poll_flush(context))?;
        match then {
            Ending::Reset => {
                // With a linger of zero the close that follows sends a RST in place of a FIN.
                tls.get_ref().0.set_zero_linger()?;
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            Ending::Close => {
                ready!(tls.poll_shutdown(context))?;
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Ending::Append(rest) => {
                while !rest.is_empty() {
                    let written = ready!(tls.as_mut().poll_write(context, rest))?;
                    rest.advance(written);
                }
                // The only ending after which the connection goes on: nothing holds later bytes back any more.
                self.plan.cut = None;
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncRead for TamperedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(context, buffer)
    }
}

/// Not vectored, so that hyper copies head and body into one buffer: `start_plan` needs the whole head in the first
/// write, and a cut in the body the exact count.
impl AsyncWrite for TamperedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.start_plan(bytes);
        ready!(self.poll_cut(context))?;
        ready!(self.poll_pause(context));
        let allowed = bytes.get(..self.allowance(bytes.len())).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.tls).poll_write(context, allowed))?;
        self.sent += written as u64;
        self.pause = self.plan.drip.map(|pause| Box::pin(sleep(pause)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A cut after the answer's last byte is reached by no further write.
        ready!(self.poll_cut(context))?;
        Pin::new(&mut self.tls).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_shutdown(context)
    }
}

fn head_length(answer: &[u8]) -> u64 {
    let end = answer.windows(HEAD_END.len()).position(|window| window == HEAD_END);
    end.map_or(answer.len(), |at| at + HEAD_END.len()) as u64
}

/// What ends the head of an HTTP/1 message. Source: RFC 9112, section 2.1.
const HEAD_END: &[u8] = b"\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::head_length;

    #[test]
    fn the_head_ends_with_the_first_empty_line() {
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{}\r\n\r\n"), 25);
        assert_eq!(head_length(b"HTTP/1.1 200 OK"), 15);
    }
}
