//! The client that a Rust user would write by hand: hyper over tokio-rustls, the same pin, deadline and size limit,
//! kept-alive connections, and serde.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_host::{Connection, Fingerprint};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::records::Envelope;

/// As the component's host has it.
const DEADLINE: Duration = agentapi_host::DEFAULT_DEADLINE;
/// As the component's host has it.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A client of one agent, for any number of callers.
pub(crate) struct Native {
    endpoint: String,
    host: HeaderValue,
    authorization: HeaderValue,
    tls: Arc<ClientConfig>,
    idle: Mutex<Vec<SendRequest<Empty<Bytes>>>>,
}

impl Native {
    pub(crate) fn new(connection: &Connection) -> Self {
        let endpoint = connection.endpoint.to_string();
        let bearer = format!("Bearer {}", connection.token.reveal());
        Self {
            host: endpoint.parse().unwrap(),
            endpoint,
            authorization: bearer.parse().unwrap(),
            tls: Arc::new(tls_config(connection.pins.clone())),
            idle: Mutex::default(),
        }
    }

    /// Asks for a path, and decodes the data of the answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &'static str) -> T {
        let body = timeout(DEADLINE, self.body(path)).await.unwrap();
        decode(&body)
    }

    /// Asks for a path, and gives the body as it came.
    pub(crate) async fn body(&self, path: &'static str) -> Bytes {
        let idle = self.idle.lock().unwrap().pop();
        let mut sender = match idle {
            Some(sender) => sender,
            None => self.connect().await,
        };
        sender.ready().await.unwrap();
        let request = Request::get(path).header(HOST, &self.host).header(AUTHORIZATION, &self.authorization);
        let response = sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await.unwrap().to_bytes();
        self.idle.lock().unwrap().push(sender);
        body
    }

    /// A connection for a request; it lives in a task of its own, as hyper's documentation has it.
    async fn connect(&self) -> SendRequest<Empty<Bytes>> {
        let (sender, connection) = handshake(TokioIo::new(self.connect_tls().await)).await.unwrap();
        tokio::spawn(connection);
        sender
    }

    pub(crate) async fn connect_tls(&self) -> TlsStream<TcpStream> {
        let tcp = TcpStream::connect(&self.endpoint).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::clone(&self.tls)).connect(name, tcp).await.unwrap()
    }
}

/// The data in an answer.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> T {
    let envelope: Envelope<T> = serde_json::from_slice(body).unwrap();
    assert!(envelope.ok);
    envelope.data.unwrap()
}

/// TLS 1.2 and 1.3 with pins in place of authorities.
pub(crate) fn tls_config(pins: Vec<Fingerprint>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Pinned { pins, provider: Arc::clone(&provider) };
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth()
}

#[derive(Debug)]
struct Pinned {
    pins: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Fingerprint::from_bytes(Sha256::digest(end_entity).into());
        if self.pins.contains(&presented) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
