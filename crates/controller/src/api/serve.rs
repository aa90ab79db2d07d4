//! The accept loop. `axum::serve` has neither a limit of connections nor a time-out for heads, and its orderly end waits for
//! streams that never end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::api::access::{Door, Rights};
use crate::api::listen::Listening;
use crate::api::peer::Peer;
use crate::api::refusal::Explained;

/// Where connections come from, and what they may do.
pub(super) trait Listen: Send + Sync + 'static {
    /// One connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next one.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Rights)>> + Send;
}

/// A Unix socket: the kernel says who connects.
pub(super) struct Socket {
    pub(super) listening: Listening,
    pub(super) door: Door,
}

impl Listen for Socket {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Rights)> {
        let (stream, _) = self.listening.listener.accept().await?;
        let peer = Peer::of(&stream)?;
        Ok((stream, Rights::of(&self.door, peer, rustix::process::getuid().as_raw())))
    }
}

/// Loopback: nobody knows who connects, who may then ask for metrics and for nothing else.
impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Rights)> {
        let (stream, _) = TcpListener::accept(self).await?;
        Ok((stream, Rights::of_anybody()))
    }
}

/// Accepts connections until the token says to end. Then no new ones are accepted, idle ones are closed, and requests that
/// run are answered, in [`LONGEST_END`]; streams of events end by the same token.
#[expect(
    clippy::disallowed_methods,
    reason = "descriptors become free by the machine's time, not by that of schedules"
)]
pub(super) async fn serve<L: Listen>(listener: L, router: Router, stop: CancellationToken) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let (stream, rights, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(why) => {
                // No descriptor is free (EMFILE), most likely. Trying again at once would spin until there is one.
                tracing::warn!(error = %why, "a connection was not accepted");
                tokio::time::sleep(PAUSE_AFTER_A_FAILED_ACCEPT).await;
                continue;
            }
        };
        let (router, stop) = (router.clone(), stop.clone());
        // Many that say nothing would otherwise hold up those behind them for the whole time-out, again and again.
        let is_crowded = permits.available_permits() < MAX_CONNECTIONS / 2;
        let head_timeout = if is_crowded { CROWDED_HEAD_TIMEOUT } else { HEAD_TIMEOUT };
        connections.spawn(async move {
            let _permit = permit;
            serve_connection(stream, router, rights, head_timeout, stop).await;
        });
    }
    connections.close();
    // A client that does not read what it has asked for would otherwise decide when the controller ends.
    if tokio::time::timeout(LONGEST_END, connections.wait()).await.is_err() {
        tracing::warn!(connections = connections.len(), "clients that do not read are left behind");
    }
}

/// The permit first: what cannot be served waits in the kernel's queue, and takes no descriptor of ours.
async fn accept<L: Listen>(
    listener: &L,
    permits: &Arc<Semaphore>,
) -> io::Result<(L::Stream, Rights, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, rights) = listener.accept().await?;
    Ok((stream, rights, permit))
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
    rights: Rights,
    head_timeout: Duration,
    stop: CancellationToken,
) {
    // A value made here, not a header: a handler finds who asks in the request's extensions.
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(rights.clone());
        request
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection(TokioIo::new(Explained::new(stream)), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // The other end's business: it closed in the middle, or sent no HTTP.
    if let Err(why) = outcome {
        tracing::debug!(error = %why, "a connection ended");
    }
}

/// Connections at once, of each socket: a console in some browsers, a few programs, and room for mistakes.
const MAX_CONNECTIONS: usize = 256;
/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The same on a socket whose connections are half used up. 2000 that say nothing are gone in some 15 seconds, where they
/// would take 80.
const CROWDED_HEAD_TIMEOUT: Duration = Duration::from_secs(1);
/// How long requests that run at the end may take to be answered: longer than any but those to an agent that hangs.
const LONGEST_END: Duration = Duration::from_secs(5);
/// hyper keeps a buffer of this size for each connection; a head has to fit.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Long enough not to spin, short enough not to be noticed.
const PAUSE_AFTER_A_FAILED_ACCEPT: Duration = Duration::from_millis(100);
