//! Plays answers on an open connection, until a delivery or the peer ends it.

use std::io::{ErrorKind, Result};
use std::mem;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use crate::behaviour::Delivery;
use crate::listener::Listener;
use crate::request::RequestReader;
use crate::state::State;
use crate::unasked::Records;
use crate::wire::Wire;

/// A connection that requests come on, with or without TLS.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Records + Unpin + Send {
    /// The TCP connection that carries it.
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
pub(crate) async fn play(mut stream: impl Transport, listener: Listener, state: &State) -> Result<()> {
    let mut requests = RequestReader::default();
    let mut number = None;
    let mut is_silent = false;
    let mut rest = Vec::new();
    loop {
        let bytes_before = requests.bytes_read();
        let next = requests.next(&mut stream).await;
        state.count_application_bytes(requests.bytes_read() - bytes_before);
        let request = match next {
            Ok(request) => request,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                stream.write_all(BAD_REQUEST).await?;
                return close(stream).await;
            }
            Err(_) => return close(stream).await,
        };
        let keeps_alive = request.keeps_alive;
        let number = *number.get_or_insert_with(|| state.number_connection());
        let received = request.into_received_request(number, listener);
        if is_silent {
            state.receive_unanswered(received);
            continue;
        }
        // The rest of a record that was begun before the request arrived.
        stream.tcp().write_all(&mem::take(&mut rest)).await?;
        let answer = state.receive(received);
        let mut wire = Wire::encode(answer);
        wire.closes |= !keeps_alive;
        if let Some(unasked) = &answer.unasked {
            let sent = unasked.send(&mut stream, &wire.bytes).await;
            if sent.is_err() {
                // The client does not take it.
                state.count_unasked();
            }
            rest = sent?;
            let begun = rest.drain(..rest.len() / 2).collect::<Vec<_>>();
            stream.tcp().write_all(&begun).await?;
            state.count_unasked();
            continue;
        }
        match deliver(&mut stream, &wire, answer.delivery).await? {
            After::Listen => {}
            After::Silence => is_silent = true,
            After::Close => return close_unasked(stream, state).await,
            After::CloseTcp => {
                stream.tcp().shutdown().await?;
                state.count_unasked();
                return drain(stream.tcp()).await;
            }
            // The drop of the socket then sends RST and not FIN.
            After::Reset => {
                stream.tcp().set_zero_linger()?;
                drop(stream);
                state.count_unasked();
                return Ok(());
            }
        }
    }
}

/// Ends the connection: `close_notify` where there is TLS, then TCP.
async fn close(mut stream: impl Transport) -> Result<()> {
    stream.shutdown().await?;
    drain(stream.tcp()).await
}

/// The same where no request has asked for it.
pub(crate) async fn close_unasked(mut stream: impl Transport, state: &State) -> Result<()> {
    stream.shutdown().await?;
    state.count_unasked();
    drain(stream.tcp()).await
}

/// Ends the TCP connection and nothing else.
pub(crate) async fn close_tcp(tcp: &mut TcpStream) -> Result<()> {
    tcp.shutdown().await?;
    drain(tcp).await
}

/// Reads until the peer closes its side. Closing with something unread would reset the connection, and the peer might
/// lose what was sent last (RFC 9112, section 9.6).
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

/// A delivery, worked out for one answer.
struct Plan {
    /// How many bytes of the answer are sent.
    length: usize,
    /// The pause after each byte. Without one, all bytes are sent at once.
    pause: Option<Duration>,
    after: After,
}

/// What happens to the connection after an answer.
enum After {
    /// The next request is read and answered.
    Listen,
    /// Further requests are read and not answered.
    Silence,
    /// TLS and TCP are closed.
    Close,
    /// TCP is closed, without `close_notify`.
    CloseTcp,
    /// TCP is reset.
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
            Delivery::ResetBeforeRequest => (all, None, After::Reset),
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

/// How long a peer may take to close its side. A peer that waits for more data has seen by then that none arrives.
const LINGER: Duration = Duration::from_secs(1);
const BAD_REQUEST: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
