//! The client that a Rust user would write by hand: hyper over tokio-rustls, the same pin, deadline and size limit,
//! kept-alive connections, and serde.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agentapi_host::{Target, pinned_tls};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde::de::DeserializeOwned;
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
    pub(crate) fn new(connection: &Target) -> Self {
        let endpoint = connection.endpoint.to_string();
        let bearer = format!("Bearer {}", connection.token.reveal());
        Self {
            host: endpoint.parse().unwrap(),
            endpoint,
            authorization: bearer.parse().unwrap(),
            tls: Arc::new(pinned_tls(connection.pins.clone()).unwrap()),
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
