//! The way from a browser of this machine to the console: a listener on loopback, for whoever started it and nobody else.
//!
//! It is opened by a link that works once and leaves a cookie. What comes with the cookie goes on to the controller's socket,
//! where the kernel says whose process this is: the pages may do what that user may do. The API is not behind it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::{TcpListener, UnixStream};
use tokio_util::sync::CancellationToken;

use crate::api::{self, host};

/// A listener on loopback, before anybody is answered.
#[derive(Debug)]
pub struct Doorway {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    socket: PathBuf,
    link: String,
    is_used: AtomicBool,
    session: String,
    cookie: String,
}

impl Doorway {
    /// Binds an address of loopback; port 0 is any free one. `socket` is the controller's.
    ///
    /// # Errors
    ///
    /// When the address is not of loopback, or in use; when the machine has no random numbers.
    pub async fn bind(address: SocketAddr, socket: PathBuf) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let text = format!("expected an address of loopback, such as 127.0.0.1:0, found {address}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (link, session) = (secret()?, secret()?);
        // Cookies do not tell ports apart: two consoles would take each other's.
        let cookie = format!("agentapi-{}", address.port());
        let shared = Shared { socket, link, is_used: AtomicBool::new(false), session, cookie };
        Ok(Self { listener, address, shared: Arc::new(shared) })
    }

    /// The address that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link that works once. Whoever has it first may do what the user of this process may.
    pub fn link(&self) -> String {
        format!("http://{}/enter/{}", self.address, self.shared.link)
    }

    /// Answers until the future is dropped.
    pub async fn serve(self) {
        let router = Router::new().fallback(answer).with_state(self.shared);
        api::serve_pages(self.listener, router, CancellationToken::new()).await;
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !host::is_ours(request.headers(), &[]) {
        return page(StatusCode::FORBIDDEN, "This console is found under an address of loopback, or localhost, only.");
    }
    if let Some(link) = request.uri().path().strip_prefix("/enter/") {
        return shared.enter(link);
    }
    if !shared.has_session(request.headers()) {
        return page(
            StatusCode::FORBIDDEN,
            "This browser is not known here. Open the link that agentapi console has printed; each link works once.",
        );
    }
    if ["/v1/", "/metrics"].iter().any(|path| request.uri().path().starts_with(path)) {
        return page(StatusCode::NOT_FOUND, "The API is not on this address, but on the controller's sockets.");
    }
    match shared.forward(request).await {
        Ok(response) => response,
        Err(why) => page(
            StatusCode::BAD_GATEWAY,
            &format!(
                "The controller does not answer ({why}). If it is being started anew, load this page again in a moment."
            ),
        ),
    }
}

impl Shared {
    fn enter(&self, link: &str) -> Response {
        if !is_same(link, &self.link) {
            return page(StatusCode::FORBIDDEN, "This is not the link that agentapi console has printed.");
        }
        if self.is_used.swap(true, Ordering::Relaxed) {
            let text = "This link was used already, and works once. End agentapi console and start it again for another one. \
                        If it was not you who used it, end it now.";
            return page(StatusCode::FORBIDDEN, text);
        }
        let cookie = format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie, self.session);
        (StatusCode::SEE_OTHER, [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())]).into_response()
    }

    fn has_session(&self, headers: &HeaderMap) -> bool {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(name, value)| name == self.cookie && is_same(value, &self.session))
    }

    async fn forward(&self, mut request: Request) -> Result<Response, Box<dyn std::error::Error + Send + Sync>> {
        request.headers_mut().remove(COOKIE);
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender.send_request(request).await?.map(Body::new))
    }
}

/// In a time that does not tell how much of it is right: their digests are compared.
fn is_same(found: &str, expected: &str) -> bool {
    let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    digest(found).as_ref() == digest(expected).as_ref()
}

fn secret() -> io::Result<String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the machine has no random numbers"))?;
    Ok(hex::encode(bytes))
}

fn page(status: StatusCode, text: &str) -> Response {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>agentapi</title><main><h1>agentapi</h1><p>{text}</p></main></html>\n"
    );
    let headers = [
        ("content-security-policy", HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
        ("cache-control", HeaderValue::from_static("no-store")),
    ];
    (status, headers, Html(page)).into_response()
}
