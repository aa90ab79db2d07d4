//! The TCP connection under TLS. It knows whether what was read ends with a TLS record, and notes when a byte of a
//! request is written.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::net::{RecvFlags, recv};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::network::stream::SendState;

/// A TCP connection that carries TLS.
pub(super) struct Socket {
    tcp: TcpStream,
    records: Records,
    state: Arc<SendState>,
    is_direct: bool,
}

impl Socket {
    pub(super) fn new(tcp: TcpStream, state: Arc<SendState>) -> Self {
        Self { tcp, records: Records::default(), state, is_direct: false }
    }

    /// Whether reads ask the kernel, whatever tokio's reactor has been told. They never wait: a read that is pending
    /// wakes nobody.
    pub(super) fn set_direct(&mut self, is_direct: bool) {
        self.is_direct = is_direct;
    }

    /// Whether all records of which something was read were read to their end. The TLS library shows nothing of a
    /// record before that.
    pub(super) fn is_between_records(&self) -> bool {
        self.records.position == Position::default()
    }

    /// The number of records that were read to their end.
    pub(super) fn records(&self) -> u64 {
        self.records.count
    }

    fn note_written(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(length)) if *length > 0) {
            self.state.note_written();
        }
    }
}

/// Reads what the kernel has, without waiting.
fn recv_now(tcp: &TcpStream, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
    match recv(tcp, buffer.initialize_unfilled(), RecvFlags::DONTWAIT) {
        Ok((length, _)) => {
            buffer.advance(length);
            Poll::Ready(Ok(()))
        }
        Err(rustix::io::Errno::AGAIN) => Poll::Pending,
        Err(why) => Poll::Ready(Err(why.into())),
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = match this.is_direct {
            true => recv_now(&this.tcp, buffer),
            false => Pin::new(&mut this.tcp).poll_read(cx, buffer),
        };
        this.records.read(buffer.filled().get(before..).unwrap_or_default());
        outcome
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write(cx, bytes);
        this.note_written(&written);
        written
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.tcp).poll_write_vectored(cx, parts);
        this.note_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}

/// Counts TLS records by their headers: a type, a version of two bytes, a length of two bytes (RFC 8446, section 5.1).
#[derive(Default)]
struct Records {
    position: Position,
    count: u64,
}

/// Where in a record the bytes so far end.
#[derive(Default, PartialEq)]
struct Position {
    /// Bytes of the header that were read; none between two records.
    header: usize,
    /// The record's length, as far as its header is read.
    length: usize,
    /// Bytes of the record after its header that were read.
    fragment: usize,
}

impl Records {
    const HEADER_LENGTH: usize = 5;

    fn read(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            let position = &mut self.position;
            if position.header < Self::HEADER_LENGTH {
                position.header += 1;
                if position.header > Self::HEADER_LENGTH - 2 {
                    position.length = position.length << 8 | usize::from(first);
                }
                bytes = rest;
            } else {
                let length = bytes.len().min(position.length - position.fragment);
                position.fragment += length;
                bytes = bytes.get(length..).unwrap_or_default();
            }
            if position.header == Self::HEADER_LENGTH && position.fragment == position.length {
                *position = Position::default();
                self.count += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, Records};

    fn record(length: u16) -> Vec<u8> {
        let [high, low] = length.to_be_bytes();
        [&[23, 3, 3, high, low][..], &vec![0xff; length.into()]].concat()
    }

    #[test]
    fn the_end_of_a_record_is_found_wherever_the_reads_are_cut() {
        let bytes = [record(0), record(1), record(300), record(16_640)].concat();
        let ends = [5, 11, 316, 16_961];
        for cut in [1, 2, 5, 7, 4096, 65_536] {
            let (mut records, mut read) = (Records::default(), 0);
            for part in bytes.chunks(cut) {
                records.read(part);
                read += part.len();
                let complete = ends.iter().filter(|&&end| end <= read).count();
                assert_eq!(records.count, complete as u64, "{read} bytes, {cut} at a time");
                assert_eq!(records.position == Position::default(), ends.contains(&read), "{read}, {cut} at a time");
            }
        }
    }
}
