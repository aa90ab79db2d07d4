//! From an authority to a connection that a request can be sent on: name, TCP, TLS with the pin, HTTP/1.1.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::Authority;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::{Error, Phase};
use crate::network::deadline::Deadline;
use crate::network::pin::mismatch_from_rustls;

/// The largest head of an answer, in bytes: far more than the few hundred that an agent sends.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most headers in an answer, hyper's own default.
const MAX_HEADERS: usize = 100;

/// Opens a connection. It lives in a task of its own until it is closed or its sender is dropped.
pub(crate) async fn connect(
    authority: &Authority,
    tls: Arc<ClientConfig>,
    deadline: Deadline,
    phase: &mut Phase,
) -> Result<SendRequest<Full<Bytes>>, Error> {
    let stream = connect_tls(authority, tls, deadline, phase).await?;
    let handshake =
        Builder::new().max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS).handshake(TokioIo::new(stream));
    let (sender, connection) = handshake.await.map_err(|why| Error::Component(why.into()))?;
    tokio::spawn(async move {
        // Not the only report of it: a call that waits for an answer on this connection fails with the same error.
        if let Err(why) = connection.await {
            tracing::debug!(error = %why, "a connection ended");
        }
    });
    Ok(sender)
}

/// Opens a TLS connection to a peer that the configuration has verified.
pub(crate) async fn connect_tls(
    authority: &Authority,
    tls: Arc<ClientConfig>,
    deadline: Deadline,
    phase: &mut Phase,
) -> Result<TlsStream<TcpStream>, Error> {
    *phase = Phase::Connecting;
    let unreachable = |source| Error::Unreachable { authority: authority.clone(), source };
    // A DNS name is sent as SNI. It is compared with nothing: the pin says which certificate is expected.
    let name = ServerName::try_from(authority.host().to_owned());
    let name = name.map_err(|why| unreachable(io::Error::new(io::ErrorKind::InvalidInput, why)))?;
    let tcp = connect_tcp(authority, deadline).await.map_err(unreachable)?;
    *phase = Phase::Handshake;
    TlsConnector::from(tls).connect(name, tcp).await.map_err(|why| tls_failure(authority, why))
}

/// Tries the addresses of a name in their order, each for its share of the time that is left: one that does not answer,
/// such as an IPv6 address without a route, must not take the others' time.
async fn connect_tcp(authority: &Authority, deadline: Deadline) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let addresses: Vec<SocketAddr> = lookup_host((authority.host(), authority.port())).await?.collect();
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let share = deadline.at.saturating_duration_since(Instant::now()) / u32::try_from(left).unwrap_or(u32::MAX);
        // The last one has all that is left. The caller's own timeout ends it, and knows the phase.
        let share = if left == 1 { Duration::MAX } else { share };
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Nagle's algorithm would hold the end of a request back for the peer's delayed acknowledgement.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(why)) => failure = why,
            Err(_) => failure = io::Error::new(io::ErrorKind::TimedOut, format!("{address} does not answer")),
        }
    }
    Err(failure)
}

fn tls_failure(authority: &Authority, why: io::Error) -> Error {
    let authority = authority.clone();
    let cause = why.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause.and_then(mismatch_from_rustls) {
        Some(source) => Error::PinMismatch { authority, source },
        None => Error::Tls { authority, source: why },
    }
}
