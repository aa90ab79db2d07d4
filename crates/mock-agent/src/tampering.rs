//! A stream under TLS's plaintext side that spoils an answer while it is written: slower, cut, or with bytes too many.
//!
//! The service arms a [`Plan`] when it hands its answer over; the first byte written after that is the answer's
//! first. A plan counts bytes of the answer, so a fault falls on the byte that was asked for.

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

/// What is to happen to one answer on its way.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Pause after each byte; none: as fast as the client reads.
    pub(crate) drip: Option<Duration>,
    pub(crate) cut: Option<Cut>,
}

/// A place in the answer, and what happens there.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) at: Place,
    pub(crate) then: Ending,
}

/// A number of bytes that still come.
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

/// Where the service leaves the plan for its next answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arming(Arc<Mutex<Option<Plan>>>);

impl Arming {
    pub(crate) fn arm(&self, plan: Plan) {
        *lock(&self.0) = Some(plan);
    }
}

/// The server's side of a TLS connection, with the plan for the answer being written.
#[derive(Debug)]
pub(crate) struct TamperedStream {
    tls: TlsStream<TcpStream>,
    arming: Arming,
    plan: Plan,
    /// Bytes of the current answer that were written.
    sent: u64,
    pause: Option<Pin<Box<Sleep>>>,
}

impl TamperedStream {
    pub(crate) fn new(tls: TlsStream<TcpStream>, arming: Arming) -> Self {
        Self { tls, arming, plan: Plan::default(), sent: 0, pause: None }
    }

    /// Takes up a newly armed plan. hyper writes an answer's head in one piece, so all of it is in these bytes.
    fn take_up_plan(&mut self, answer: &[u8]) {
        let Some(mut plan) = lock(&self.arming.0).take() else {
            return;
        };
        if let Some(cut) = &mut plan.cut
            && let Place::Body(bytes) = cut.at
        {
            cut.at = Place::Answer(head_length(answer) + bytes);
        }
        self.plan = plan;
        self.sent = 0;
        self.pause = None;
    }

    /// How many of these bytes may be written before the plan has its next say.
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

    /// Does what the plan has for the place reached, if it has anything. An error ends the connection.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(Cut { at: Place::Answer(at), then }) = &mut self.plan.cut else {
            return Poll::Ready(Ok(()));
        };
        if self.sent < *at {
            return Poll::Ready(Ok(()));
        }
        let mut tls = Pin::new(&mut self.tls);
        ready!(tls.as_mut().poll_flush(context))?;
        match then {
            Ending::Reset => {
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

/// Not vectored, so that hyper puts head and body into one buffer.
impl AsyncWrite for TamperedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take_up_plan(bytes);
        ready!(self.poll_cut(context))?;
        ready!(self.poll_pause(context));
        let allowed = bytes.get(..self.allowance(bytes.len())).unwrap_or(bytes);
        let written = ready!(Pin::new(&mut self.tls).poll_write(context, allowed))?;
        self.sent += written as u64;
        self.pause = self.plan.drip.map(|pause| Box::pin(sleep(pause)));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
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
