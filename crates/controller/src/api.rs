//! The API: HTTP/1.1 and JSON over two Unix sockets.
//!
//! All routes stand in one table, with what each asks for. A handler looks things up or asks the owner; it does no work of
//! its own that a client who leaves would cut off.
//!
//! | socket | who | may |
//! | --- | --- | --- |
//! | `agentapi.sock` | whom its mode lets in | see and operate, and ask for wipes; root, the controller's user and the approvers decide on those |
//! | `agentapi-ro.sock` | whom its mode lets in | see |

pub(crate) mod access;
pub(crate) mod act;
pub(crate) mod agent;
pub(crate) mod approvals;
mod body;
mod config;
mod document;
mod events;
pub(crate) mod extract;
pub(crate) mod host;
mod keys;
mod listen;
mod notify;
mod page;
pub(crate) mod peer;
pub(crate) mod problem;
mod refusal;
mod runs;
mod samples;
mod serve;
mod state;
mod subjects;
mod system;
pub(crate) mod wipe;

use std::io;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::uri::Uri;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::api::access::{Access, Door, Rights};
use crate::api::keys::{Keys, Repeat};
use crate::api::listen::Listening;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::serve::Socket;
use crate::console;

pub use crate::api::state::ApiState;

/// Where the sockets are, and who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// The main socket.
    pub main: PathBuf,
    /// The read-only socket.
    pub read_only: PathBuf,
    /// The group that may connect to the main one.
    pub group: Option<u32>,
    /// Users that may decide on wipes.
    pub approvers: Vec<u32>,
    /// Where metrics are on loopback as well.
    pub metrics: Option<SocketAddr>,
}

/// Sockets that somebody else has bound, and keeps for the next controller: systemd, most likely. The file, its mode and its
/// group are theirs. One that is not given is bound here.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    /// In place of [`Sockets::main`].
    pub main: Option<Arc<UnixListener>>,
    /// In place of [`Sockets::read_only`].
    pub read_only: Option<Arc<UnixListener>>,
}

/// The bound sockets, before anybody is answered.
#[derive(Debug)]
pub struct Bound {
    main: Listening,
    read_only: Listening,
    approvers: Vec<u32>,
    metrics: Option<TcpListener>,
}

/// Binds both sockets, unless they are inherited. Whoever connects waits until they are served.
///
/// # Errors
///
/// When a path holds something else than a socket, or one on which somebody answers, or its folder may not be written to; with
/// the path.
pub fn bind(sockets: &Sockets, inherited: &Inherited) -> io::Result<Bound> {
    let named = |file: &PathBuf, why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", file.display()));
    let listen = |inherited: &Option<Arc<UnixListener>>, file: &PathBuf, mode, group| {
        let listening = match inherited {
            Some(listener) => Listening::inherited(listener),
            None => Listening::bind(file, mode, group),
        };
        listening.map_err(|why| named(file, why))
    };
    let main = listen(&inherited.main, &sockets.main, 0o660, sockets.group)?;
    let read_only = listen(&inherited.read_only, &sockets.read_only, 0o666, None)?;
    let metrics = sockets.metrics.map(|address| {
        let named = |why: io::Error| io::Error::new(why.kind(), format!("metrics.listen: {address}: {why}"));
        let listener = std::net::TcpListener::bind(address).map_err(named)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    });
    Ok(Bound { main, read_only, approvers: sockets.approvers.clone(), metrics: metrics.transpose()? })
}

/// Serves both sockets until the state's token says to stop, and the requests that run are answered.
pub async fn serve(bound: Bound, state: ApiState) {
    let Bound { main, read_only, approvers, metrics } = bound;
    let (router, stop) = (router(state.clone()), state.stop);
    let serving = TaskTracker::new();
    let main = Socket { listening: main, door: Door::Main { approvers } };
    serving.spawn(serve::serve(main, router.clone(), stop.clone()));
    if let Some(metrics) = metrics {
        let router = router.clone().layer(from_fn(check_host));
        serving.spawn(serve::serve(metrics, router, stop.clone()));
    }
    serving.spawn(serve::serve(Socket { listening: read_only, door: Door::ReadOnly }, router, stop));
    serving.close();
    serving.wait().await;
}

/// Serves the way to the pages on loopback until the token says to stop.
pub(crate) async fn serve_pages(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve::serve(listener, router.layer(from_fn(|request, next| body::read(body::TIMEOUT, request, next))), stop).await;
}

/// The description of the API: OpenAPI 3.1, as JSON.
pub fn openapi() -> &'static str {
    document::text()
}

/// One row of the table. Path and method stand with the handler.
struct Row {
    access: Access,
    /// For what acts: what it does when it is asked twice.
    repeat: Option<Repeat>,
    routes: UtoipaMethodRouter<ApiState>,
}

fn table() -> Vec<Row> {
    let row = |access, routes| Row { access, repeat: None, routes };
    let act = |repeat, routes| Row { access: Access::Operate, repeat: Some(repeat), routes };
    let decide = |routes| Row { access: Access::Decide, repeat: Some(Repeat::IsHarmless), routes };
    vec![
        row(Access::Open, routes!(system::live)),
        row(Access::Open, routes!(system::ready)),
        row(Access::Open, routes!(system::metrics)),
        row(Access::Read, routes!(system::openapi)),
        row(Access::Read, routes!(system::status)),
        row(Access::Read, routes!(config::show)),
        row(Access::Read, routes!(system::findings)),
        row(Access::Read, routes!(notify::list)),
        act(Repeat::Acts, routes!(notify::test)),
        row(Access::Read, routes!(runs::list)),
        row(Access::Read, routes!(runs::show)),
        row(Access::Read, routes!(runs::log)),
        act(Repeat::IsHarmless, routes!(runs::stop)),
        row(Access::Read, routes!(approvals::list)),
        row(Access::Read, routes!(approvals::show)),
        decide(routes!(approvals::approve)),
        decide(routes!(approvals::refuse)),
        act(Repeat::Acts, routes!(subjects::run)),
        act(Repeat::IsHarmless, routes!(subjects::pause)),
        act(Repeat::IsHarmless, routes!(subjects::resume)),
        row(Access::Read, routes!(events::list)),
        row(Access::Read, routes!(samples::list)),
        row(Access::Read, routes!(samples::points)),
        row(Access::Read, routes!(agent::new)),
        row(Access::Read, routes!(agent::storage)),
        row(Access::Read, routes!(agent::backup_due)),
        act(Repeat::Acts, routes!(agent::start_backup)),
        row(Access::Read, routes!(agent::backup_status)),
        row(Access::Read, routes!(agent::disks)),
        act(Repeat::Acts, routes!(agent::assign_disk)),
        act(Repeat::Acts, routes!(agent::eject_disk)),
        act(Repeat::Acts, routes!(agent::format_disk)),
        row(Access::Read, routes!(agent::host_metrics)),
        row(Access::Read, routes!(agent::fs_uuid)),
        row(Access::Read, routes!(agent::opsign_command)),
    ]
}

fn router(state: ApiState) -> Router {
    let keys = Keys::new(state.store.clone(), Arc::clone(&state.clock));
    let mut router = Router::new();
    for Row { access, repeat, routes: (_, paths, handler) } in table() {
        let keyed = from_fn({
            let keys = keys.clone();
            move |request: Request, next: Next| pass_on(keys.clone(), repeat, request, next)
        });
        let check = from_fn(move |request: Request, next: Next| check_access(access, request, next));
        // The last one is the first to see a request: who may not act is not told of anybody's keys.
        let handler = handler.route_layer(keyed).route_layer(check);
        for path in paths.paths.keys() {
            router = router.route(path, handler.clone());
        }
    }
    let router = router.merge(console::router(&state));
    let nothing = async |uri: Uri| told(&uri, Problem::new(ProblemKind::NotFound, "there is no such path"));
    let other_method = async |uri: Uri| told(&uri, Problem::new(ProblemKind::MethodNotAllowed, "not with this method"));
    let router = router.fallback(nothing).method_not_allowed_fallback(other_method);
    router.layer(from_fn(|request, next| body::read(body::TIMEOUT, request, next))).with_state(state)
}

/// To a program as a program reads it, to a person as a page.
fn told(uri: &Uri, problem: Problem) -> Response {
    if uri.path().starts_with("/v1") { problem.into_response() } else { console::told(problem) }
}

async fn pass_on(keys: Keys, repeat: Option<Repeat>, request: Request, next: Next) -> Result<Response, Problem> {
    match repeat {
        Some(repeat) => keys.pass_on(repeat, request, next).await,
        None => Ok(next.run(request).await),
    }
}

async fn check_host(request: Request, next: Next) -> Result<Response, Problem> {
    if host::is_ours(request.headers(), &[]) {
        return Ok(next.run(request).await);
    }
    Err(Problem::new(ProblemKind::Denied, "expected an address of loopback, or localhost, as the host"))
}

async fn check_access(needed: Access, request: Request, next: Next) -> Result<Response, Problem> {
    // Without rights, which the accept loop puts in, nothing is allowed.
    let is_allowed = request.extensions().get::<Rights>().is_some_and(|rights| rights.allow(needed));
    if is_allowed {
        return Ok(next.run(request).await);
    }
    let detail = match needed {
        Access::Open => "this connection may ask for nothing",
        Access::Read => "on loopback there are metrics only",
        Access::Operate => "this socket is read-only",
        Access::Decide => "only root, the controller's user and those in `approvers` may decide",
    };
    Err(Problem::new(ProblemKind::Denied, detail))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests wait for real threads and sockets")]
pub(crate) mod tests;
