//! One connection from handshake to end: records each request, lets the routes answer it, and applies the fault that
//! is due, if any.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::Route;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::connection_count::OpenConnection;
use crate::envelope::Answer;
use crate::fault::Fault;
use crate::lock::lock;
use crate::outgoing::Outgoing;
use crate::request_log::ReceivedRequest;
use crate::routes;
use crate::shared::Shared;
use crate::tampering::{PlanSlot, TamperedStream};

/// A TCP connection that was admitted.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) tcp: TcpStream,
    /// How long the TLS handshake is held back.
    pub(crate) delay: Duration,
    /// Counts it as open until it ends.
    pub(crate) open: OpenConnection,
}

impl Connection {
    /// Serves requests until either side ends the connection.
    pub(crate) async fn serve(self, shared: Arc<Shared>) -> io::Result<()> {
        let _open = self.open;
        hold_back(self.delay).await;
        self.tcp.set_nodelay(true)?;
        let tls = Arc::clone(&lock(&shared.certificates).current().tls);
        let tls = TlsAcceptor::from(tls).accept(self.tcp).await?;
        let slot = PlanSlot::default();
        let service = AgentService { connection: shared.connections.establish(), slot: slot.clone(), shared };
        let stream = TokioIo::new(TamperedStream::new(tls, slot));
        http1::Builder::new()
            .serve_connection(stream, service_fn(|request| service.answer(request)))
            .await
            .map_err(io::Error::other)
    }
}

/// Answers the requests of one connection.
struct AgentService {
    /// Its number, from 1.
    connection: usize,
    slot: PlanSlot,
    shared: Arc<Shared>,
}

impl AgentService {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let outgoing = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
            Ok(body) => self.outgoing(&Request::from_parts(head, body.to_bytes())).await,
            Err(_) => Outgoing::new(too_large().into_response()),
        };
        Ok(self.send(outgoing).await)
    }

    /// The answer to a whole request, with what a fault does to it.
    async fn outgoing(&self, request: &Request<Bytes>) -> Outgoing {
        // Recorded first, so that a request which loses its answer to a fault is seen nevertheless.
        self.shared.requests.record(ReceivedRequest::new(self.connection, request));
        let route = Route::of(request.method().as_str(), request.uri().path());
        let fault = self.shared.faults.take_for_request(route);
        let mut outgoing = self.respond(request, fault).await;
        if let Some(fault) = fault {
            outgoing.damage(fault);
        }
        outgoing
    }

    /// The answer before it is damaged: the agent's own, or the fault's in its place.
    async fn respond(&self, request: &Request<Bytes>, fault: Option<Fault>) -> Outgoing {
        match fault {
            Some(Fault::Unauthorized) => Outgoing::new(routes::unauthorized().into_response()),
            Some(Fault::Status(status)) => Outgoing::new(Answer::refused(status, "injected fault").into_response()),
            Some(Fault::NewCertificate) => match self.shared.rotate_certificate() {
                Ok(()) => self.shared.answer(request).await,
                Err(error) => Outgoing::new(internal_error(&error).into_response()),
            },
            _ => self.shared.answer(request).await,
        }
    }

    async fn send(&self, outgoing: Outgoing) -> Response<Full<Bytes>> {
        hold_back(outgoing.delay).await;
        self.slot.put(outgoing.plan);
        Response::from_parts(outgoing.head, Full::new(outgoing.body))
    }
}

fn too_large() -> Answer {
    let error = format!("request body is larger than {MAX_REQUEST_BYTES} bytes, or broke off");
    Answer::refused(StatusCode::PAYLOAD_TOO_LARGE, error)
}

fn internal_error(error: &io::Error) -> Answer {
    Answer::refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Waits. A timer takes a millisecond even for no time at all, so none is started for no delay.
async fn hold_back(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}

/// The largest body of a request, in bytes: 1 MiB, a thousand times what any operation needs, and little enough to hold
/// in memory for each of many connections.
const MAX_REQUEST_BYTES: usize = 1 << 20;
