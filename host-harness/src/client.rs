//! One agent's HTTPS client: its own TLS, sessions and kept-alive connections, for one authority and one set of pins.
//!
//! Nothing here is shared between clients, so a connection made under one pin is never used under another. An answer is
//! read whole before anyone sees it: size, time and completeness are decided in one place.

use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Authority, Fingerprint};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, ClientConfig};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime_wasi::runtime::spawn;

use crate::connect::connect;
use crate::error::Phase;
use crate::idle::Idle;
use crate::mask::Mask;
use crate::pin::client_config;
use crate::{Connection, Error, Route};

/// The largest body that is read, in bytes, whatever the framing says: far more than any answer of the API.
pub(crate) const MAX_BODY_BYTES: u64 = 1024 * 1024;
/// How long a connection may take to be ready for a request. A good one is at once.
const MAX_UNREADY: Duration = Duration::from_secs(1);
/// Calls to one agent that run at once; more wait their turn. Each has a connection of its own.
const MAX_CONCURRENT_CALLS: usize = 32;
/// Connections that are kept where few calls run; each holds a file descriptor that another agent may need.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

pub(crate) struct Client {
    authority: Authority,
    /// The authority as text, for the header.
    host: HeaderValue,
    authorization: HeaderValue,
    mask: Mask,
    pins: Arc<[Fingerprint]>,
    tls: Arc<ClientConfig>,
    deadline: Duration,
    turns: Arc<Semaphore>,
    idle: Idle,
}

/// Why one attempt on one connection failed.
enum Failure {
    /// Not a byte of the request left this host.
    Unsent,
    /// The connection ended before the head of an answer was there. The request may have arrived.
    NoAnswer(hyper::Error),
    /// Anything after that: not to be tried again.
    Final(Error),
}

impl Client {
    pub(crate) fn new(
        connection: &Connection,
        deadline: Duration,
        mask: Mask,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let pins: Arc<[Fingerprint]> = connection.pins.as_slice().into();
        let tls = client_config(provider, Arc::clone(&pins)).map_err(|why| Error::Component(why.into()))?;
        let text = connection.endpoint.to_string();
        let host = HeaderValue::try_from(text).map_err(|why| Error::Component(why.into()))?;
        let text = format!("Bearer {}", connection.token.reveal());
        let mut authorization = HeaderValue::try_from(text).map_err(|why| Error::Component(why.into()))?;
        authorization.set_sensitive(true);
        let (authority, tls, idle) = (connection.endpoint.clone(), Arc::new(tls), Idle::default());
        let turns = Arc::new(Semaphore::new(MAX_CONCURRENT_CALLS));
        Ok(Self { authority, host, authorization, mask, pins, tls, deadline, turns, idle })
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether a component names the authority, as it has to.
    pub(crate) fn is_at(&self, named: &str) -> bool {
        self.host == named
    }

    pub(crate) fn pins(&self) -> &[Fingerprint] {
        &self.pins
    }

    pub(crate) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// The time that a call may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The turns of this client's calls.
    pub(crate) fn turns(&self) -> Arc<Semaphore> {
        Arc::clone(&self.turns)
    }

    /// How much is worth keeping, connections and what else a call needs: as much as is in use, and a little always.
    /// What calls that follow each other closely give back is then there for those that wait.
    pub(crate) fn worth_keeping(&self) -> usize {
        let running = MAX_CONCURRENT_CALLS.saturating_sub(self.turns.available_permits());
        running.max(MAX_IDLE_CONNECTIONS)
    }

    /// Asks the agent and reads its whole answer.
    pub(crate) async fn exchange(&self, route: Route, body: Bytes, deadline: Instant) -> Result<Answer, Error> {
        match self.try_idle(route, body.clone(), deadline).await {
            Some(outcome) => outcome,
            None => self.try_new(route, body, deadline).await,
        }
    }

    /// The error of a call whose time is over.
    pub(crate) fn late(&self, phase: Phase) -> Error {
        let limit = self.deadline;
        if phase == Phase::Connecting {
            let why = format!("no answer within {} ms", limit.as_millis());
            let source = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
            return Error::Unreachable { authority: self.authority.clone(), source };
        }
        Error::Deadline { limit, phase }
    }

    /// A kept-alive connection may have been closed by the agent, unnoticed. None where the request is to be sent on a new
    /// one: it has not left, or it is a GET, which changes nothing. A POST that may have arrived is never sent again.
    async fn try_idle(&self, route: Route, body: Bytes, deadline: Instant) -> Option<Result<Answer, Error>> {
        if route.method() == Method::POST {
            // What came in meanwhile is looked at first: a connection that the agent has closed is not used.
            yield_now().await;
            yield_now().await;
        }
        let sender = self.idle.take()?;
        match self.attempt(sender, route, body, deadline).await {
            Ok(answer) => Some(Ok(answer)),
            Err(Failure::Unsent) => None,
            Err(Failure::NoAnswer(_)) if route.method() == Method::GET => None,
            Err(Failure::NoAnswer(why)) => Some(Err(self.interrupted(route, why))),
            Err(Failure::Final(error)) => Some(Err(error)),
        }
    }

    async fn try_new(&self, route: Route, body: Bytes, deadline: Instant) -> Result<Answer, Error> {
        let sender = self.connect(deadline).await?;
        self.attempt(sender, route, body, deadline).await.map_err(|failure| match failure {
            Failure::Unsent => self.interrupted(route, "the connection was closed before the request was sent"),
            Failure::NoAnswer(why) => self.interrupted(route, why),
            Failure::Final(error) => error,
        })
    }

    /// A new connection. It is opened in a task: a handshake needs more stack than an instance should hold for good.
    async fn connect(&self, deadline: Instant) -> Result<SendRequest<Full<Bytes>>, Error> {
        let (authority, tls) = (self.authority.clone(), Arc::clone(&self.tls));
        let opening = spawn(async move {
            let mut phase = Phase::Connecting;
            let connected = timeout_at(deadline, connect(&authority, tls, deadline, &mut phase)).await;
            connected.map_err(|_| phase)
        });
        opening.await.unwrap_or_else(|phase| Err(self.late(phase)))
    }

    async fn attempt(
        &self,
        sender: SendRequest<Full<Bytes>>,
        route: Route,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let mut phase = Phase::Waiting;
        let outcome = timeout_at(deadline, self.ask(sender, route, body, &mut phase)).await;
        outcome.unwrap_or_else(|_| Err(Failure::Final(self.late(phase))))
    }

    async fn ask(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        route: Route,
        body: Bytes,
        phase: &mut Phase,
    ) -> Result<Answer, Failure> {
        // One that is kept alive and never ready again has a peer that did not read the request before.
        if !sender.is_ready() && !matches!(timeout(MAX_UNREADY, sender.ready()).await, Ok(Ok(()))) {
            return Err(Failure::Unsent);
        }
        let response = match sender.try_send_request(self.request(route, body)).await {
            Ok(response) => response,
            Err(mut failed) => {
                return Err(match failed.take_message() {
                    Some(_) => Failure::Unsent,
                    None => self.no_answer(route, failed.into_error()),
                });
            }
        };
        *phase = Phase::Receiving;
        let status = response.status();
        let body = self.read(route, response.into_body()).await.map_err(Failure::Final)?;
        self.idle.keep(sender, self.worth_keeping());
        Ok(Answer { status, body: self.mask.bytes(body) })
    }

    fn request(&self, route: Route, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = route.method();
        *request.uri_mut() = http::Uri::from_static(route.path());
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        if route.method() == Method::POST {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        request
    }

    async fn read(&self, route: Route, mut body: Incoming) -> Result<Bytes, Error> {
        let announced = body.size_hint().lower();
        if announced > MAX_BODY_BYTES {
            return Err(Error::ResponseTooLarge { limit: MAX_BODY_BYTES });
        }
        let mut read = BytesMut::with_capacity(usize::try_from(announced).unwrap_or_default());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|why| self.interrupted(route, why))?;
            let Ok(data) = frame.into_data() else { continue };
            if (read.len() + data.len()) as u64 > MAX_BODY_BYTES {
                return Err(Error::ResponseTooLarge { limit: MAX_BODY_BYTES });
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }

    /// A connection that ended is another matter than one on which something came that is not HTTP.
    fn no_answer(&self, route: Route, why: hyper::Error) -> Failure {
        if let Some(alert) = refusal_of_client(&why) {
            let source = std::io::Error::other(rustls::Error::AlertReceived(alert));
            return Failure::Final(Error::Tls { authority: self.authority.clone(), source });
        }
        if why.is_parse() { Failure::Final(self.interrupted(route, why)) } else { Failure::NoAnswer(why) }
    }

    fn interrupted(&self, route: Route, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Interrupted { route, authority: self.authority.clone(), source: why.into() }
    }
}

/// The alert by which the agent refuses a client that has no certificate: in TLS 1.3 it comes after the handshake. Any other
/// alert may come after the agent has acted.
fn refusal_of_client(error: &hyper::Error) -> Option<AlertDescription> {
    let cause = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    match cause.get_ref()?.downcast_ref::<rustls::Error>()? {
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

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
