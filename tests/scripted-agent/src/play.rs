//! Playing answers on an open connection, until a delivery or the peer ends it.

use std::io::{ErrorKind, Result};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use crate::behaviour::Delivery;
use crate::listener::Listener;
use crate::request::RequestReader;
use crate::stage::Stage;
use crate::wire::Wire;

/// A connection that requests come on, with or without TLS.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// What carries it.
    fn tcp(&mut self) -> &mut TcpStream;
}

impl Transport for TcpStream {
    fn tcp(&mut self) -> &mut TcpStream {
        self
    }
}

impl Transport for TlsStream<TcpStream> {
    fn tcp(&mut self) -> &mut TcpStream {
        self.get_mut().0
    }
}

/// Answers requests until the connection ends.
pub(crate) async fn play(mut stream: impl Transport, listener: Listener, stage: &Stage) -> Result<()> {
    let mut requests = RequestReader::default();
    let mut number = None;
    let mut silent = false;
    loop {
        let request = match requests.next(&mut stream).await {
            Ok(request) => request,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                stream.write_all(BAD_REQUEST).await?;
                return close(stream).await;
            }
            Err(_) => return close(stream).await,
        };
        let keeps_alive = request.keeps_alive;
        let number = *number.get_or_insert_with(|| stage.number_connection());
        let received = request.into_received(number, listener);
        if silent {
            stage.receive_in_silence(received);
            continue;
        }
        let answer = stage.receive(received);
        let mut wire = Wire::encode(answer);
        wire.closes |= !keeps_alive;
        match deliver(&mut stream, &wire, answer.delivery).await? {
            After::Listen => {}
            After::Silence => silent = true,
            After::Close => return close(stream).await,
            After::CloseTcp => return close_tcp(stream.tcp()).await,
            After::Reset => return stream.tcp().set_zero_linger(),
        }
    }
}

/// Ends the connection: `close_notify` where there is TLS, then TCP.
async fn close(mut stream: impl Transport) -> Result<()> {
    stream.shutdown().await?;
    drain(stream.tcp()).await
}

/// Ends the TCP connection and nothing else.
pub(crate) async fn close_tcp(tcp: &mut TcpStream) -> Result<()> {
    tcp.shutdown().await?;
    drain(tcp).await
}

/// Reads until the peer is done: closing with something unread would reset the connection, and what was sent last
/// might be lost (RFC 9112, section 9.6).
pub(crate) async fn drain(tcp: &mut TcpStream) -> Result<()> {
    let mut ignored = tokio::io::sink();
    match timeout(LINGER, tokio::io::copy(tcp, &mut ignored)).await {
        Ok(copied) => copied.map(drop),
        Err(_) => Ok(()),
    }
}

async fn deliver(stream: &mut impl Transport, wire: &Wire, delivery: Delivery) -> Result<After> {
    let plan = Plan::new(wire, delivery);
    let bytes = &wire.bytes[..plan.length];
    match plan.pause {
        None => stream.write_all(bytes).await?,
        Some(pause) => {
            for byte in bytes {
                stream.write_all(&[*byte]).await?;
                stream.flush().await?;
                if !pause.is_zero() {
                    sleep(pause).await;
                }
            }
        }
    }
    stream.flush().await?;
    Ok(plan.after)
}

/// What a delivery comes to for one answer.
struct Plan {
    /// Bytes of the answer that are sent.
    length: usize,
    /// Between single bytes; none sends all at once.
    pause: Option<Duration>,
    after: After,
}

enum After {
    Listen,
    Silence,
    Close,
    CloseTcp,
    Reset,
}

impl Plan {
    fn new(wire: &Wire, delivery: Delivery) -> Self {
        let all = wire.bytes.len();
        let usual = if wire.closes { After::Close } else { After::Listen };
        let (length, pause, after) = match delivery {
            Delivery::Whole => (all, None, usual),
            Delivery::Dribble => (all, Some(Duration::ZERO), usual),
            Delivery::Drip(interval) => (all, Some(interval), usual),
            Delivery::NoCloseNotify => (all, None, After::CloseTcp),
            Delivery::CloseBeforeResponse => (0, None, After::Close),
            Delivery::CloseMidHeaders => (wire.head / 2, None, After::Close),
            Delivery::TruncateBody => (wire.half, None, After::Close),
            Delivery::CloseBeforeRequest => (all, None, After::Close),
            Delivery::Reset => (0, None, After::Reset),
            Delivery::ResetMidBody => (wire.half, None, After::Reset),
            Delivery::Hang => (0, None, After::Silence),
            Delivery::HangMidHeaders => (wire.head / 2, None, After::Silence),
            Delivery::HangMidBody => (wire.half, None, After::Silence),
            Delivery::HangAfterBody => (all, None, After::Listen),
        };
        Self { length, pause, after }
    }
}

/// How long a peer may take to end its side. One that waits for more has seen by then that there is none.
const LINGER: Duration = Duration::from_secs(1);
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
