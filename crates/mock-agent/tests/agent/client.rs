//! A small HTTPS client for these tests, which hides nothing. It trusts the agent's leaf certificate as a root.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Fingerprint, Route};
use agentapi_mock::MockAgent;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// One connection to a mock agent, with a token to send.
pub(crate) struct Client {
    sender: SendRequest<Full<Bytes>>,
    token: String,
    /// Of the leaf certificate that the agent presented.
    pub(crate) fingerprint: Fingerprint,
}

impl Client {
    pub(crate) async fn connect(agent: &MockAgent) -> io::Result<Self> {
        let tls = connect_tls(agent).await?;
        let leaf = tls.get_ref().1.peer_certificates().unwrap().first().unwrap();
        let fingerprint = Fingerprint::from_bytes(Sha256::digest(leaf).into());
        let (sender, connection) = http1::handshake(TokioIo::new(tls)).await.unwrap();
        tokio::spawn(connection);
        Ok(Self { sender, token: agent.token().to_owned(), fingerprint })
    }

    /// Sends another token from now on.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        self.token = token.to_owned();
        self
    }

    /// Status and body of the answer to this request.
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: &str) -> hyper::Result<(u16, Bytes)> {
        let response = self.start(method, path, body).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?;
        Ok((status, body.to_bytes()))
    }

    /// The answer to this request as soon as its head is there.
    pub(crate) async fn start(
        &mut self,
        method: Method,
        path: &str,
        body: &str,
    ) -> hyper::Result<Response<hyper::body::Incoming>> {
        self.sender.ready().await?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "agent")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .unwrap();
        self.sender.send_request(request).await
    }

    /// Status and envelope of the answer on this route.
    #[track_caller]
    pub(crate) fn call(&mut self, route: Route, body: &str) -> impl Future<Output = (u16, Value)> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.send(method_of(route), route.path(), body).await;
            let (status, body) = answer.unwrap_or_else(|error| panic!("{caller}: {error}"));
            (status, serde_json::from_slice(&body).unwrap())
        }
    }
}

/// A TLS connection to the agent, before anything is sent on it.
pub(crate) async fn connect_tls(agent: &MockAgent) -> io::Result<TlsStream<TcpStream>> {
    connect_trusting(agent, agent.leaf_der()).await
}

/// A TLS connection to the agent if it presents this leaf certificate, as rustls' own verifier decides.
pub(crate) async fn connect_trusting(agent: &MockAgent, leaf: Vec<u8>) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(leaf.into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(agent.endpoint()).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// A route's method as the `http` crate has it.
pub(crate) fn method_of(route: Route) -> Method {
    route.method().as_str().parse().unwrap()
}

/// The agent notices the end of a connection when it reads it, in its own task.
pub(crate) async fn until_all_closed(agent: &MockAgent) {
    let all_closed = async {
        while agent.open_connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), all_closed).await.unwrap();
}
