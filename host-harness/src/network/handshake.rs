//! The TLS handshake: its errors by name, and whether the agent accepts a client without a certificate.
//!
//! In TLS 1.3 a client has finished its handshake before the server has seen that it has no certificate. A refusal then
//! meets the request that is already on its way: the server closes with the request unread, which resets the
//! connection, and the reset may discard the alert that says why. So where the server asked for a certificate, the
//! request waits until the server has said something after the client's part, a session ticket or the refusal.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use agentapi_contract::Authority;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{AlertDescription, ClientConfig, ProtocolVersion, SignatureScheme};
use tokio::io::AsyncBufRead;
use tokio::task_local;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::Error;
use crate::network::pin::mismatch_from_rustls;
use crate::network::socket::Socket;

/// How long a server that asked for a certificate may take to refuse a client without one, or to send a session ticket.
/// One that does neither, because it sends no tickets, costs this once a connection.
const VERDICT_TIMEOUT: Duration = Duration::from_secs(1);

/// A peer that the configuration has verified, and that does not refuse a client without a certificate.
pub(super) async fn handshake(
    authority: &Authority,
    tls: Arc<ClientConfig>,
    name: ServerName<'static>,
    socket: Socket,
) -> Result<TlsStream<Socket>, Error> {
    let provider = Arc::clone(tls.crypto_provider());
    let connecting = async { (TlsConnector::from(tls).connect(name, socket).await, WAS_ASKED.with(Cell::get)) };
    let (connected, was_asked) = WAS_ASKED.scope(Cell::new(false), connecting).await;
    let mut stream = connected.map_err(|why| tls_error(authority, why, &provider))?;
    // A server of TLS 1.2 ends its part after the client's: it has decided by now.
    if was_asked && stream.get_ref().1.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
        let refusal = timeout(VERDICT_TIMEOUT, verdict(&mut stream)).await.unwrap_or(Ok(()));
        refusal.map_err(|source| Error::Tls { authority: authority.clone(), source })?;
    }
    Ok(stream)
}

/// Waits until the server has said something after the client's part of the handshake.
async fn verdict(stream: &mut TlsStream<Socket>) -> io::Result<()> {
    let before = stream.get_ref().0.records();
    poll_fn(|cx| match Pin::new(&mut *stream).poll_fill_buf(cx).map_ok(<[u8]>::len) {
        Poll::Ready(Ok(0)) => Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, NO_CERTIFICATE))),
        // It speaks before it was asked, which is found when a request is to be sent.
        Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
        Poll::Ready(Err(why)) => Poll::Ready(Err(why)),
        // A session ticket, which the TLS library has taken.
        Poll::Pending if stream.get_ref().0.records() > before => Poll::Ready(Ok(())),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// The alert by which a server refuses a client that has no certificate, if an error is one. A server that sends it
/// has ended the handshake, and reads no request.
pub(super) fn client_certificate_alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::NoCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => Some(*alert),
            _ => None,
        },
        _ => None,
    }
}

task_local! {
    /// Whether the handshake that runs in this scope was asked for a client certificate. The TLS library has one
    /// resolver for all connections, because it resumes a session only under the one that it was made under.
    static WAS_ASKED: Cell<bool>;
}

/// Has no client certificate, and notes that one was asked for.
#[derive(Debug)]
pub(super) struct NoClientCertificate;

impl ResolvesClientCert for NoClientCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // The TLS library calls this while the handshake's future is polled. Outside of a scope nobody wants to know.
        let _ = WAS_ASKED.try_with(|was_asked| was_asked.set(true));
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn tls_error(authority: &Authority, why: io::Error, provider: &CryptoProvider) -> Error {
    let authority = authority.clone();
    let cause = why.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(source) = cause.and_then(mismatch_from_rustls) {
        return Error::PinMismatch { authority, source };
    }
    let source = match cause.is_some_and(is_without_agreement) {
        true => io::Error::other(NothingInCommon { client: algorithms(provider), source: why }),
        false => why,
    };
    Error::Tls { authority, source }
}

/// Whether the two found no version or algorithm that both have: as the peer says, or as its answer shows.
fn is_without_agreement(why: &rustls::Error) -> bool {
    use AlertDescription::{HandshakeFailure, InsufficientSecurity, ProtocolVersion};
    match why {
        rustls::Error::AlertReceived(alert) => {
            matches!(alert, HandshakeFailure | InsufficientSecurity | ProtocolVersion)
        }
        rustls::Error::PeerIncompatible(_) => true,
        _ => false,
    }
}

/// The handshake ended because there was nothing to agree on. Names what this client has, for whoever configures the
/// agent.
#[derive(Debug, thiserror::Error)]
#[error("no version or algorithm in common; this client has {client}")]
struct NothingInCommon {
    client: String,
    source: io::Error,
}

fn algorithms(provider: &CryptoProvider) -> String {
    let groups = provider.kx_groups.iter().map(|group| format!("{:?}", group.name()));
    let schemes = provider.signature_verification_algorithms.supported_schemes().into_iter();
    let schemes = schemes.map(|scheme| format!("{scheme:?}"));
    let listed = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let (groups, schemes) = (listed(&mut { groups }), listed(&mut { schemes }));
    format!("TLS 1.3 and 1.2, key exchange by {groups}, signatures by {schemes}")
}

const NO_CERTIFICATE: &str = "the agent asked for a client certificate, and closed the connection without one";
