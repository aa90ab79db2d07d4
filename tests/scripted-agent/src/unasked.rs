//! What an agent sends after an answer without having been asked: where in the stream of bytes it stands, and when it
//! is sent.

use std::io::{Result, Write};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

/// Where unasked bytes stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// In the TLS record in which the answer is.
    SameRecord,
    /// In a TLS record of their own, written together with that of the answer.
    SameSegment,
    /// In a TLS record of their own, written so much later.
    Later(Duration),
    /// In a TLS record of which a part is written after the answer, and the rest when the next request has arrived.
    AcrossTheRequest,
}

/// Bytes that nobody asked for.
#[derive(Clone, Debug)]
pub(crate) struct Unasked {
    pub(crate) bytes: Vec<u8>,
    pub(crate) place: Place,
}

/// A connection that can place its bytes in records.
pub(crate) trait Records {
    /// Each part in a record of its own, and all of them in one write. Without TLS there are no records.
    async fn write_together(&mut self, parts: [&[u8]; 2]) -> Result<()>;

    /// What would be written for these bytes.
    fn to_wire(&mut self, bytes: &[u8]) -> Result<Vec<u8>>;
}

impl Records for TcpStream {
    async fn write_together(&mut self, parts: [&[u8]; 2]) -> Result<()> {
        self.write_all(&parts.concat()).await
    }

    fn to_wire(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        Ok(bytes.to_vec())
    }
}

impl Records for TlsStream<TcpStream> {
    async fn write_together(&mut self, parts: [&[u8]; 2]) -> Result<()> {
        let wire = [self.to_wire(parts[0])?, self.to_wire(parts[1])?].concat();
        self.get_mut().0.write_all(&wire).await
    }

    fn to_wire(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let (_, session) = self.get_mut();
        let mut wire = Vec::new();
        // A record at a time, because the TLS library buffers no more than 64 KiB.
        for record in bytes.chunks(MAX_RECORD_BYTES) {
            session.writer().write_all(record)?;
            while session.wants_write() {
                session.write_tls(&mut wire)?;
            }
        }
        Ok(wire)
    }
}

impl Unasked {
    /// Sends them after an answer that has been sent, or with it. Returns what is to be written when the next request
    /// has arrived.
    pub(crate) async fn send(
        &self,
        stream: &mut (impl Records + AsyncWriteExt + Unpin),
        answer: &[u8],
    ) -> Result<Vec<u8>> {
        match self.place {
            Place::SameRecord => stream.write_all(&[answer, &self.bytes].concat()).await?,
            Place::SameSegment => stream.write_together([answer, &self.bytes]).await?,
            Place::Later(pause) => {
                stream.write_all(answer).await?;
                stream.flush().await?;
                sleep(pause).await;
                stream.write_all(&self.bytes).await?;
            }
            Place::AcrossTheRequest => {
                stream.write_all(answer).await?;
                stream.flush().await?;
                return stream.to_wire(&self.bytes);
            }
        }
        stream.flush().await?;
        Ok(Vec::new())
    }
}

/// The most plaintext in a TLS record (RFC 8446, section 5.1).
const MAX_RECORD_BYTES: usize = 1 << 14;
