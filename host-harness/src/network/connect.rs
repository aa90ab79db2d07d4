//! From an authority to a connection that a request can be sent on: name, TCP, TLS with the pin, HTTP/1.1.

use std::io;
use std::sync::Arc;

use agentapi_contract::{Authority, Fingerprint};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{Builder, SendRequest};
use rustls::ClientConfig;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::lookup_host;
use tokio_rustls::client::TlsStream;

use crate::error::{Error, Phase};
use crate::network::addresses::connect_first;
use crate::network::driver::Driver;
use crate::network::handshake::handshake;
use crate::network::head::MAX_HEAD_BYTES;
use crate::network::pin::fingerprint;
use crate::network::socket::Socket;
use crate::network::stream::{SendState, Stream};

/// The most headers in an answer, hyper's own default.
const MAX_HEADERS: usize = 100;

/// A connection to the pinned agent. It closes when this is dropped.
pub(super) struct Connection {
    /// In front of the driver, so that it is dropped first: that is what the driver closes the socket for.
    pub(super) sender: SendRequest<Full<Bytes>>,
    pub(super) driver: Driver,
    /// How far its request is.
    pub(super) state: Arc<SendState>,
    /// The fingerprint of the leaf certificate that was presented: the pin that matched.
    pub(super) leaf: Fingerprint,
}

impl Connection {
    /// Whether a request can be sent on it, as far as its socket has said by now.
    pub(super) fn is_open(&mut self) -> bool {
        self.driver.poll_if_woken();
        !self.sender.is_closed()
    }
}

/// Opens a connection.
pub(super) async fn connect(
    authority: &Authority,
    tls: Arc<ClientConfig>,
    phase: &mut Phase,
) -> Result<Connection, Error> {
    let state = Arc::new(SendState::default());
    let stream = connect_tls(authority, tls, phase, Arc::clone(&state)).await?;
    let leaf = fingerprint(presented(&stream)?);
    let stream = Stream::new(stream, Arc::clone(&state));
    let handshake = Builder::new().max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS).handshake(stream);
    let (sender, connection) = handshake.await.map_err(|why| Error::Component(why.into()))?;
    let driver = Driver::new(async move {
        // Not the only report of it: a call that waits for an answer on this connection fails with the same error.
        if let Err(why) = connection.await {
            tracing::debug!(error = %why, "a connection ended");
        }
    });
    Ok(Connection { sender, driver, state, leaf })
}

/// Opens a TLS connection to a peer that the configuration has verified.
pub(super) async fn connect_tls(
    authority: &Authority,
    tls: Arc<ClientConfig>,
    phase: &mut Phase,
    state: Arc<SendState>,
) -> Result<TlsStream<Socket>, Error> {
    *phase = Phase::Connecting;
    let unreachable = |source| Error::Unreachable { authority: authority.clone(), source };
    // A DNS name is sent as SNI. It is compared with nothing: the pin says which certificate is expected.
    let name = ServerName::try_from(authority.host().to_owned());
    let name = name.map_err(|why| unreachable(io::Error::new(io::ErrorKind::InvalidInput, why)))?;
    let addresses = lookup_host((authority.host(), authority.port())).await.map_err(unreachable)?;
    let tcp = connect_first(addresses.collect()).await.map_err(unreachable)?;
    // Nagle's algorithm would hold the end of a request back for the peer's delayed acknowledgement.
    tcp.set_nodelay(true).map_err(unreachable)?;
    *phase = Phase::Handshake;
    handshake(authority, tls, name, Socket::new(tcp, state)).await
}

/// The leaf certificate that the peer has presented, now or when it made the session that is resumed.
pub(super) fn presented(stream: &TlsStream<Socket>) -> Result<&CertificateDer<'static>, Error> {
    let (_, session) = stream.get_ref();
    let leaf = session.peer_certificates().and_then(|chain| chain.first());
    leaf.ok_or_else(|| Error::Component("a handshake without a certificate".into()))
}
