//! One agent's HTTPS client: its own TLS, sessions and idle connections, for one authority and one set of pins.
//!
//! An answer is read whole before anyone sees it: size, time and completeness are decided in one place.
//!
//! A request is sent a second time only where that cannot make the agent act twice:
//!
//! ```text
//!  idle connection ─▶ not a byte was sent ─────────▶ sent on a new connection   (any route)
//!                  ─▶ broke before an answer, GET ─▶ sent on a new connection   (stale: the agent had closed it)
//!                  ─▶ broke before an answer, POST ▶ Interrupted                (the agent may have acted)
//!  new connection  ─▶ any failure ─────────────────▶ the call's error           (it was not stale)
//! ```

use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Authority, MAX_BODY_BYTES, Method, Pins, Route};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use rustls::crypto::CryptoProvider;
use rustls::{AlertDescription, ClientConfig};
use tokio::task::yield_now;
use tokio::time::{timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, Phase};
use crate::network::connect::connect;
use crate::network::credentials::Credentials;
use crate::network::deadline::Deadline;
use crate::network::idle::IdleConnections;
use crate::network::pin::client_config;
use crate::permits::Permits;

/// How long an idle connection may take to be ready for a request. One that works is ready at once.
const READY_TIMEOUT: Duration = Duration::from_secs(1);

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// The outcome of a request, and the connection that it took.
pub(crate) struct Exchange {
    pub(crate) outcome: Result<Answer, Error>,
    /// How often the request was sent, or was about to be.
    pub(crate) attempts: u32,
    /// Whether the last of them went over a connection that an earlier call had made.
    pub(crate) is_reused: bool,
}

/// The client of one agent. Connections and TLS sessions are its own, so that none is used under pins that it was not
/// made under.
pub(crate) struct Client {
    authority: Authority,
    /// The authority as text, for the `host` header.
    host: HeaderValue,
    pins: Pins,
    tls: Arc<ClientConfig>,
    credentials: Arc<Credentials>,
    permits: Permits,
    idle: IdleConnections,
}

/// The outcome of trying an idle connection.
enum Reuse {
    Done(Result<Answer, Error>),
    /// None is idle, or none of them is open any more.
    NoConnection,
    /// It was stale, and the request may be sent on a new connection.
    Stale,
}

/// Why one attempt on one connection failed.
enum Failure {
    /// Not a byte of the request left this host.
    Unsent,
    /// The connection ended before the head of an answer arrived. The agent may have the request.
    NoAnswer(hyper::Error),
    /// Anything else. The request is not sent again.
    Final(Error),
}

impl Client {
    pub(crate) fn new(
        authority: Authority,
        pins: Pins,
        credentials: Arc<Credentials>,
        permits: Permits,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Error> {
        let tls = client_config(provider, pins.clone()).map_err(|why| Error::Component(why.into()))?;
        let host = HeaderValue::try_from(authority.to_string()).map_err(|why| Error::Component(why.into()))?;
        let (tls, idle) = (Arc::new(tls), IdleConnections::default());
        Ok(Self { authority, host, pins, tls, credentials, permits, idle })
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether a name that a component gives is this client's authority.
    pub(crate) fn matches_authority(&self, named: &str) -> bool {
        self.host == named
    }

    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    pub(crate) fn credentials(&self) -> &Arc<Credentials> {
        &self.credentials
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn exchange(&self, route: Route, body: Bytes, deadline: Deadline) -> Exchange {
        // One idle connection is tried, however many there are: after a restart of the agent all of them are stale.
        match self.try_idle(route, body.clone(), deadline).await {
            Reuse::Done(outcome) => Exchange { outcome, attempts: 1, is_reused: true },
            Reuse::NoConnection => self.try_new(route, body, deadline, 1).await,
            Reuse::Stale => self.try_new(route, body, deadline, 2).await,
        }
    }

    async fn try_idle(&self, route: Route, body: Bytes, deadline: Deadline) -> Reuse {
        if route.method() == Method::Post {
            // Let the connection tasks see a FIN before we choose: a POST on a stale connection cannot be retried. The
            // first yield lets the runtime poll its sockets, the second lets the tasks that were woken by that run.
            yield_now().await;
            yield_now().await;
        }
        let Some(sender) = self.idle.take() else { return Reuse::NoConnection };
        match self.attempt(sender, route, body, deadline).await {
            Ok(answer) => Reuse::Done(Ok(answer)),
            Err(Failure::Unsent) => Reuse::Stale,
            // The agent closes connections that were idle for too long, and its FIN may arrive after our choice. A GET
            // is idempotent, so that it does no harm if the agent had read the first one.
            Err(Failure::NoAnswer(_)) if route.method() == Method::Get => Reuse::Stale,
            Err(Failure::NoAnswer(why)) => Reuse::Done(Err(self.interrupted(route, why))),
            Err(Failure::Final(error)) => Reuse::Done(Err(error)),
        }
    }

    async fn try_new(&self, route: Route, body: Bytes, deadline: Deadline, attempts: u32) -> Exchange {
        let outcome = match self.connect(route, deadline).await {
            Ok(sender) => self.attempt(sender, route, body, deadline).await.map_err(|failure| match failure {
                Failure::Unsent => self.interrupted(route, "the connection was closed before the request was sent"),
                Failure::NoAnswer(why) => self.interrupted(route, why),
                Failure::Final(error) => error,
            }),
            Err(error) => Err(error),
        };
        Exchange { outcome, attempts, is_reused: false }
    }

    async fn connect(&self, route: Route, deadline: Deadline) -> Result<SendRequest<Full<Bytes>>, Error> {
        let (authority, tls) = (self.authority.clone(), Arc::clone(&self.tls));
        // In a task of its own. A call runs on the stack of its instance, whose pages stay resident as long as the
        // instance is kept, and a handshake needs far more of it than a request. The handle aborts the task, so that a
        // call which is dropped leaves no connection half open.
        let opening = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut phase = Phase::Connecting;
            let connected = timeout_at(deadline.at, connect(&authority, tls, deadline, &mut phase)).await;
            connected.map_err(|_| phase)
        }));
        match opening.await {
            Ok(Ok(connected)) => connected,
            Ok(Err(phase)) => Err(deadline.error(&self.authority, Some(route), phase)),
            Err(panic) => Err(Error::Component(panic.into())),
        }
    }

    async fn attempt(
        &self,
        sender: SendRequest<Full<Bytes>>,
        route: Route,
        body: Bytes,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let mut phase = Phase::Waiting;
        let outcome = timeout_at(deadline.at, self.send(sender, route, body, &mut phase)).await;
        outcome.unwrap_or_else(|_| Err(Failure::Final(deadline.error(&self.authority, Some(route), phase))))
    }

    async fn send(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        route: Route,
        body: Bytes,
        phase: &mut Phase,
    ) -> Result<Answer, Failure> {
        // A kept-alive connection is never ready again if its peer has not read the request before to its end.
        if !sender.is_ready() && !matches!(timeout(READY_TIMEOUT, sender.ready()).await, Ok(Ok(()))) {
            return Err(Failure::Unsent);
        }
        let response = match sender.try_send_request(self.request(route, body)).await {
            Ok(response) => response,
            Err(mut failed) => {
                // hyper gives the request back only where it has not begun to write it.
                return Err(match failed.take_message() {
                    Some(_) => Failure::Unsent,
                    None => self.failure_without_answer(route, failed.into_error()),
                });
            }
        };
        *phase = Phase::Receiving;
        let status = response.status();
        let body = self.read_body(route, response.into_body()).await.map_err(Failure::Final)?;
        // Only now: on a connection with an unread answer, its rest would be taken for the next one.
        self.idle.keep(sender, self.permits.idle_limit());
        Ok(Answer { status, body: self.credentials.mask(body) })
    }

    fn request(&self, route: Route, body: Bytes) -> Request<Full<Bytes>> {
        // No `accept-encoding`: secrets are searched for in the bytes as they come.
        let mut request = Request::new(Full::new(body));
        *request.uri_mut() = http::Uri::from_static(route.path());
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        headers.insert(AUTHORIZATION, self.credentials.authorization());
        if route.method() == Method::Post {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.method_mut() = http::Method::POST;
        }
        request
    }

    async fn read_body(&self, route: Route, mut body: Incoming) -> Result<Bytes, Error> {
        let announced = body.size_hint().lower();
        // Refused before anything is allocated for it. A body without a length announces nothing, and is counted below.
        if announced > MAX_BODY_BYTES {
            return Err(Error::ResponseTooLarge { limit: MAX_BODY_BYTES });
        }
        let mut read = BytesMut::with_capacity(usize::try_from(announced).unwrap_or_default());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|why| self.interrupted(route, why))?;
            // What is no data is trailers, which the API does not use.
            let Ok(data) = frame.into_data() else { continue };
            if (read.len() + data.len()) as u64 > MAX_BODY_BYTES {
                return Err(Error::ResponseTooLarge { limit: MAX_BODY_BYTES });
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    }

    fn failure_without_answer(&self, route: Route, why: hyper::Error) -> Failure {
        if let Some(alert) = client_certificate_alert(&why) {
            let source = std::io::Error::other(rustls::Error::AlertReceived(alert));
            return Failure::Final(Error::Tls { authority: self.authority.clone(), source });
        }
        // A connection on which something arrived that is not HTTP was not stale: the agent, or something on the way,
        // has answered.
        if why.is_parse() { Failure::Final(self.interrupted(route, why)) } else { Failure::NoAnswer(why) }
    }

    fn interrupted(&self, route: Route, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Interrupted { route, authority: self.authority.clone(), source: why.into() }
    }
}

/// The alert by which the agent refuses a client that has no certificate. In TLS 1.3 it arrives after the handshake,
/// but before the agent has read anything. Any other alert may be sent after the agent has acted.
fn client_certificate_alert(error: &hyper::Error) -> Option<AlertDescription> {
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
mod tests;
