//! One agent's HTTPS client: its own TLS, sessions and idle connections, for one authority and one set of pins.
//!
//! An answer is read whole before anyone sees it: size, time and completeness are decided in one place.
//!
//! A request is sent a second time only where that cannot make the agent act twice:
//!
//! ```text
//!  idle connection ─▶ not a byte was sent ─────────▶ sent on a new connection   (any route; `stream.rs` sees to it)
//!                  ─▶ broke before an answer, GET ─▶ sent on a new connection   (stale: the agent had closed it)
//!                  ─▶ broke before an answer, POST ▶ Interrupted                (the agent may have acted)
//!  new connection  ─▶ not a byte was sent ─────────▶ Unreachable                (it was not stale)
//!                  ─▶ any other failure ───────────▶ the call's error
//! ```

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Authority, Fingerprint, MAX_BODY_BYTES, Method, Pins, Route};
use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use tokio::time::{timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use crate::error::{Error, Phase};
use crate::network::connect::{Connection, connect};
use crate::network::credentials::Credentials;
use crate::network::deadline::Deadline;
use crate::network::handshake::client_certificate_alert;
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
    /// How often the request was sent. 1 also where the only attempt failed before its first byte.
    pub(crate) attempts: u32,
    /// Whether the last of them went over a connection that an earlier call had made.
    pub(crate) is_reused: bool,
    /// The fingerprint that the agent presented on that connection: the pin that matched. None without a connection.
    pub(crate) leaf: Option<Fingerprint>,
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
    /// What every request is answered with in place of the agent's answer. Then none is sent.
    at_hand: Option<Bytes>,
}

/// The outcome of trying an idle connection.
enum Reuse {
    Done(Result<Answer, Error>, Fingerprint),
    /// None is idle, or the one that was tried cannot be used: nothing was sent.
    NoConnection,
    /// It was stale, and the request may be sent again on a new connection.
    Stale,
}

/// Why one attempt on one connection failed.
enum Failure {
    /// Not a byte of the request left this host.
    Unsent(Box<dyn std::error::Error + Send + Sync>),
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
        Ok(Self { authority, host, pins, tls, credentials, permits, idle, at_hand: None })
    }

    /// With a body, a client that sends nothing, and has it as the answer to every request.
    pub(crate) fn with_answer_at_hand(self, body: Option<Bytes>) -> Self {
        Self { at_hand: body, ..self }
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
        if let Some(body) = &self.at_hand {
            let answer = Answer { status: StatusCode::OK, body: self.credentials.mask(body.clone()) };
            return Exchange { outcome: Ok(answer), attempts: 0, is_reused: false, leaf: None };
        }
        // One idle connection is tried, however many there are: after a restart of the agent all of them are stale.
        match self.try_idle(route, body.clone(), deadline).await {
            Reuse::Done(outcome, leaf) => Exchange { outcome, attempts: 1, is_reused: true, leaf: Some(leaf) },
            Reuse::NoConnection => self.try_new(route, body, deadline, 1).await,
            Reuse::Stale => self.try_new(route, body, deadline, 2).await,
        }
    }

    async fn try_idle(&self, route: Route, body: Bytes, deadline: Deadline) -> Reuse {
        let Some(connection) = self.idle.take() else { return Reuse::NoConnection };
        let leaf = connection.leaf;
        match self.attempt(connection, route, body, deadline).await {
            Ok(answer) => Reuse::Done(Ok(answer), leaf),
            Err(Failure::Unsent(_)) => Reuse::NoConnection,
            // The agent closes connections that were idle for too long, and its FIN may arrive after our choice. A GET
            // is idempotent, so that it does no harm if the agent had read the first one.
            Err(Failure::NoAnswer(_)) if route.method() == Method::Get => Reuse::Stale,
            Err(Failure::NoAnswer(why)) => Reuse::Done(Err(self.interrupted(route, why)), leaf),
            Err(Failure::Final(error)) => Reuse::Done(Err(error), leaf),
        }
    }

    async fn try_new(&self, route: Route, body: Bytes, deadline: Deadline, attempts: u32) -> Exchange {
        let connection = match self.connect(route, deadline).await {
            Ok(connection) => connection,
            Err(error) => return Exchange { outcome: Err(error), attempts, is_reused: false, leaf: None },
        };
        let leaf = Some(connection.leaf);
        let outcome = self.attempt(connection, route, body, deadline).await;
        let outcome = outcome.map_err(|failure| self.final_error(route, failure));
        Exchange { outcome, attempts, is_reused: false, leaf }
    }

    async fn connect(&self, route: Route, deadline: Deadline) -> Result<Connection, Error> {
        let (authority, tls) = (self.authority.clone(), Arc::clone(&self.tls));
        // In a task of its own. A call runs on the stack of its instance, whose pages stay resident as long as the
        // instance is kept, and a handshake needs far more of it than a request. The handle aborts the task, so that a
        // call which is dropped leaves no connection half open.
        let opening = AbortOnDropHandle::new(tokio::spawn(async move {
            let mut phase = Phase::Connecting;
            let connected = timeout_at(deadline.at, connect(&authority, tls, &mut phase)).await;
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
        connection: Connection,
        route: Route,
        body: Bytes,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        let mut phase = Phase::Waiting;
        let outcome = timeout_at(deadline.at, self.send(connection, route, body, &mut phase)).await;
        outcome.unwrap_or_else(|_| Err(Failure::Final(deadline.error(&self.authority, Some(route), phase))))
    }

    async fn send(
        &self,
        mut connection: Connection,
        route: Route,
        body: Bytes,
        phase: &mut Phase,
    ) -> Result<Answer, Failure> {
        let Connection { sender, driver, state, .. } = &mut connection;
        // A kept-alive connection is never ready again if its peer has not read the request before to its end.
        if !sender.is_ready() && !matches!(timeout(READY_TIMEOUT, driver.run(pin!(sender.ready()))).await, Ok(Ok(()))) {
            return Err(Failure::Unsent("the connection was closed before the request was sent".into()));
        }
        state.expect_request();
        let response = match driver.run(pin!(sender.try_send_request(self.request(route, body)))).await {
            Ok(response) => response,
            Err(mut failed) => {
                // hyper gives the request back where it has not begun to write it.
                let is_unsent = failed.take_message().is_some() || state.is_unsent();
                return Err(self.failure_without_answer(route, failed.into_error(), is_unsent));
            }
        };
        *phase = Phase::Receiving;
        let status = response.status();
        let body = driver.run(pin!(self.read_body(route, response.into_body()))).await.map_err(Failure::Final)?;
        // Only now: on a connection with an unread answer, its rest would be taken for the next one.
        self.idle.keep(connection, self.permits.idle_limit());
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

    fn failure_without_answer(&self, route: Route, why: hyper::Error, is_unsent: bool) -> Failure {
        let cause = std::error::Error::source(&why).and_then(|cause| cause.downcast_ref::<io::Error>());
        if let Some(alert) = cause.and_then(client_certificate_alert) {
            let source = io::Error::other(rustls::Error::AlertReceived(alert));
            return Failure::Final(Error::Tls { authority: self.authority.clone(), source });
        }
        if is_unsent {
            // hyper calls any failed write one of a body, which is not what happened.
            return Failure::Unsent(cause.map_or_else(|| why.to_string(), io::Error::to_string).into());
        }
        // A connection on which something arrived that is not HTTP was not stale: the agent, or something on the way,
        // has answered.
        if why.is_parse() { Failure::Final(self.interrupted(route, why)) } else { Failure::NoAnswer(why) }
    }

    /// The error of a request that is not sent again.
    fn final_error(&self, route: Route, failure: Failure) -> Error {
        match failure {
            Failure::Unsent(why) => {
                Error::Unreachable { authority: self.authority.clone(), source: io::Error::other(why) }
            }
            Failure::NoAnswer(why) => self.interrupted(route, why),
            Failure::Final(error) => error,
        }
    }

    fn interrupted(&self, route: Route, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Interrupted { route, authority: self.authority.clone(), source: why.into() }
    }
}

#[cfg(test)]
mod tests;
