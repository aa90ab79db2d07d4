//! A client that sees everything: it accepts any certificate, checks the handshake signature, and reports how a
//! connection ended.

use std::io::{ErrorKind, Result};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use agentapi_scripted_agent::{Answer, Behaviour, Certificates, Script, ScriptedAgent};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Shared by all tests that need no folder.
pub(crate) static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::generate);

pub(crate) const GET: &[u8] = b"GET /storage HTTP/1.1\r\nHost: agent\r\n\r\n";
/// The head of [`hello`].
pub(crate) const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n";

/// An answer whose halves differ.
pub(crate) fn hello() -> Answer {
    Answer::new(200, "abcdef")
}

/// The same answer with a behaviour, by its name.
pub(crate) fn hello_with(behaviour: &str) -> Answer {
    match behaviour.parse().unwrap() {
        Behaviour::Opening(opening) => hello().opening(opening),
        Behaviour::Delivery(delivery) => hello().delivery(delivery),
    }
}

pub(crate) async fn agent(answers: impl IntoIterator<Item = Answer>) -> ScriptedAgent {
    ScriptedAgent::start(Script::new(answers), &CERTIFICATES).await.unwrap()
}

/// How the peer ended a connection.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    CloseNotify,
    TcpOnly,
    Reset,
}

pub(crate) struct Client {
    stream: TlsStream<Tap>,
}

impl Client {
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        Self::connect_as(port, config(rustls::ALL_VERSIONS)).await
    }

    pub(crate) async fn connect_as(port: u16, config: ClientConfig) -> Result<Self> {
        let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
        tcp.set_nodelay(true)?;
        let tap = Tap { tcp, seen: Vec::new() };
        let name = ServerName::try_from("agent.test").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tap).await?;
        Ok(Self { stream })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next bytes, as many as are expected.
    pub(crate) async fn read(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Sends a request and reads the first byte of the answer; either may fail.
    pub(crate) async fn answer_to(&mut self, request: &[u8]) -> Result<u8> {
        self.stream.write_all(request).await?;
        self.stream.read_u8().await
    }

    /// Everything up to the end of the connection, and how it ended.
    pub(crate) async fn read_to_end(&mut self) -> (String, End) {
        let mut bytes = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut bytes));
        let end = match read.await.expect("the connection ends") {
            Ok(_) => End::CloseNotify,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => End::TcpOnly,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) => panic!("{error:?}"),
        };
        (String::from_utf8(bytes).unwrap(), end)
    }

    /// The lengths of the TLS records of application data so far.
    pub(crate) fn data_records(&self) -> Vec<usize> {
        let mut bytes = &self.stream.get_ref().0.seen[..];
        let mut lengths = Vec::new();
        while let [kind, _, _, high, low, rest @ ..] = bytes {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if *kind == APPLICATION_DATA {
                lengths.push(length);
            }
            bytes = &rest[length..];
        }
        lengths
    }

    pub(crate) fn leaf_fingerprint(&self) -> String {
        format!("{:x}", Sha256::digest(&self.chain()[0]))
    }

    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        self.stream.get_ref().1.peer_certificates().unwrap()
    }

    pub(crate) fn version(&self) -> rustls::ProtocolVersion {
        self.stream.get_ref().1.protocol_version().unwrap()
    }
}

pub(crate) fn config(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth()
}

/// A TCP stream that keeps what it read.
struct Tap {
    tcp: TcpStream,
    seen: Vec<u8>,
}

impl AsyncRead for Tap {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.tcp).poll_read(cx, buf))?;
        self.seen.extend_from_slice(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The record type of RFC 8446, section 5.1.
const APPLICATION_DATA: u8 = 23;
/// For an end that should come at once, so that a test which fails does not hang.
const PATIENCE: Duration = Duration::from_secs(10);
