//! One agent's HTTPS client: its own TLS, sessions and idle connections, for one authority and one set of pins.
//!
//! An answer is read whole before anyone sees it: size, time and completeness are decided in one place.
//!
//! When is a request sent again? Only where that cannot make the agent act twice:
//!
//! ```text
//!  idle connection ─▶ not a byte was sent ────────▶ new connection   (any route)
//!                  ─▶ broke before an answer, GET ─▶ new connection   (stale: the agent had closed it)
//!                  ─▶ broke before an answer, POST ▶ Interrupted      (the agent may have acted)
//!  new connection  ─▶ whatever happens ────────────▶ told, not sent again
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

/// How long a connection may take to be ready for a request. A good one is ready at once.
const MAX_UNREADY: Duration = Duration::from_secs(1);

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

/// What became of a request, and over what.
pub(crate) struct Exchange {
    pub(crate) outcome: Result<Answer, Error>,
    /// How often the request was sent, or was about to be.
    pub(crate) attempts: u32,
    /// Whether the last of them went over a connection that an earlier call had made.
    pub(crate) is_reused: bool,
}

pub(crate) struct Client {
    authority: Authority,
    /// The authority as text, for the header.
    host: HeaderValue,
    pins: Pins,
    tls: Arc<ClientConfig>,
    credentials: Arc<Credentials>,
    permits: Permits,
    idle: IdleConnections,
}

/// What became of the attempt to use an idle connection.
enum Reuse {
    Done(Result<Answer, Error>),
    /// There is none, or none that is open.
    NoConnection,
    /// It was stale, and the request may be sent on a new one.
    Stale,
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

    /// Whether a component names this client's authority, as it has to.
    pub(crate) fn matches_authority(&self, named: &str) -> bool {
        self.host == named
    }

    pub(crate) fn pins(&self) -> &Pins {
        &self.pins
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Asks the agent and reads its whole answer.
    pub(crate) async fn exchange(&self, route: Route, body: Bytes, deadline: Deadline) -> Exchange {
        match self.try_idle(route, body.clone(), deadline).await {
            Reuse::Done(outcome) => Exchange { outcome, attempts: 1, is_reused: true },
            Reuse::NoConnection => self.try_new(route, body, deadline, 1).await,
            Reuse::Stale => self.try_new(route, body, deadline, 2).await,
        }
    }

    async fn try_idle(&self, route: Route, body: Bytes, deadline: Deadline) -> Reuse {
        if route.method() == Method::Post {
            // Let the connection tasks see a FIN before we choose: a POST on a stale connection cannot be retried.
            yield_now().await;
            yield_now().await;
        }
        let Some(sender) = self.idle.take() else { return Reuse::NoConnection };
        match self.attempt(sender, route, body, deadline).await {
            Ok(answer) => Reuse::Done(Ok(answer)),
            Err(Failure::Unsent) => Reuse::Stale,
            // The agent closes connections that were idle for too long, and its FIN may arrive after our choice. A GET
            // changes nothing, so it may arrive twice.
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

    /// A new connection. It is opened in a task of its own: a handshake needs more stack than the future of a call, which
    /// lives as long as its instance, should hold for good.
    async fn connect(&self, route: Route, deadline: Deadline) -> Result<SendRequest<Full<Bytes>>, Error> {
        let (authority, tls) = (self.authority.clone(), Arc::clone(&self.tls));
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
        let outcome = timeout_at(deadline.at, self.ask(sender, route, body, &mut phase)).await;
        outcome.unwrap_or_else(|_| Err(Failure::Final(deadline.error(&self.authority, Some(route), phase))))
    }

    async fn ask(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        route: Route,
        body: Bytes,
        phase: &mut Phase,
    ) -> Result<Answer, Failure> {
        // A kept-alive connection that is never ready again has a peer that did not read the request before.
        if !sender.is_ready() && !matches!(timeout(MAX_UNREADY, sender.ready()).await, Ok(Ok(()))) {
            return Err(Failure::Unsent);
        }
        let response = match sender.try_send_request(self.request(route, body)).await {
            Ok(response) => response,
            Err(mut failed) => {
                // hyper gives the request back only where it has not begun to write it.
                return Err(match failed.take_message() {
                    Some(_) => Failure::Unsent,
                    None => self.no_answer(route, failed.into_error()),
                });
            }
        };
        *phase = Phase::Receiving;
        let status = response.status();
        let body = self.read(route, response.into_body()).await.map_err(Failure::Final)?;
        self.idle.keep(sender, self.permits.idle_limit());
        Ok(Answer { status, body: self.credentials.mask(body) })
    }

    fn request(&self, route: Route, body: Bytes) -> Request<Full<Bytes>> {
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

    /// A connection that ended without an answer may have been stale; one on which something came that is not HTTP was
    /// not, and is not tried again.
    fn no_answer(&self, route: Route, why: hyper::Error) -> Failure {
        if let Some(alert) = client_certificate_alert(&why) {
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
