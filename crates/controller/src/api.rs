//! The API: HTTP/1.1 and JSON over two Unix sockets.
//!
//! All routes stand in one table, with what each asks for. A handler looks things up or asks the owner; it does no work of
//! its own that a client who leaves would cut off.
//!
//! | socket | who | may |
//! | --- | --- | --- |
//! | `agentapi.sock` | whom its mode lets in | see and operate; root, the controller's user and the approvers decide on wipes |
//! | `agentapi-ro.sock` | whom its mode lets in | see |

mod access;
mod agent;
mod approvals;
mod events;
mod listen;
mod notify;
mod peer;
mod problem;
mod runs;
mod serve;
mod subjects;
mod system;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use agentapi_host::quiesce::Coordinator;

use crate::api::access::{Access, Door, Rights};
use crate::api::listen::Listening;
use crate::api::problem::Problem;
use crate::approval::Desk;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::notify::outbox::Receivers;
use crate::owner::OwnerHandle;
use crate::run::host::Work;
use crate::store::Store;
use crate::watcher::Findings;

/// What the handlers may use.
#[derive(Clone)]
pub struct ApiState {
    /// Takes what is asked.
    pub owner: OwnerHandle,
    /// Answers what was.
    pub store: Store,
    /// The conditions that hold.
    pub findings: watch::Receiver<Findings>,
    /// Where wipes are decided.
    pub desk: Desk,
    /// Who is told of them.
    pub receivers: watch::Receiver<Receivers>,
    /// What Prometheus reads.
    pub metrics: Arc<Metrics>,
    /// The guest's name.
    pub guest: String,
    /// The agent.
    pub work: watch::Receiver<Arc<Work>>,
    /// The freeze, if there can be one.
    pub coordinator: Option<Coordinator>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Ends streams.
    pub stop: CancellationToken,
}

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
}

/// The bound sockets, before anybody is answered.
#[derive(Debug)]
pub struct Bound {
    main: Listening,
    read_only: Listening,
    approvers: Vec<u32>,
}

/// Binds both sockets. Whoever connects waits until they are served.
///
/// # Errors
///
/// When a path holds something else than a socket, or one on which somebody answers, or its folder may not be written to; with
/// the path.
pub fn bind(sockets: &Sockets) -> io::Result<Bound> {
    let named = |file: &PathBuf, why: io::Error| io::Error::new(why.kind(), format!("{}: {why}", file.display()));
    let main = Listening::bind(&sockets.main, 0o660, sockets.group).map_err(|why| named(&sockets.main, why))?;
    let read_only = Listening::bind(&sockets.read_only, 0o666, None).map_err(|why| named(&sockets.read_only, why))?;
    Ok(Bound { main, read_only, approvers: sockets.approvers.clone() })
}

/// Serves both sockets until the state's token says to stop, and the requests that run are answered.
pub async fn serve(bound: Bound, state: ApiState) {
    let Bound { main, read_only, approvers } = bound;
    let (router, stop) = (router(state.clone()), state.stop);
    let serving = TaskTracker::new();
    serving.spawn(serve::serve(main, router.clone(), Door::Main { approvers }, stop.clone()));
    serving.spawn(serve::serve(read_only, router, Door::ReadOnly, stop));
    serving.close();
    serving.wait().await;
}

/// One row of the table.
struct Row {
    path: &'static str,
    access: Access,
    handler: MethodRouter<ApiState>,
}

fn table() -> Vec<Row> {
    let row = |path, access, handler| Row { path, access, handler };
    vec![
        row("/v1/live", Access::Open, get(system::live)),
        row("/v1/ready", Access::Open, get(system::ready)),
        row("/metrics", Access::Open, get(system::metrics)),
        row("/v1/status", Access::Read, get(system::status)),
        row("/v1/findings", Access::Read, get(system::findings)),
        row("/v1/notify", Access::Read, get(notify::list)),
        row("/v1/notify/{name}/test", Access::Operate, post(notify::test)),
        row("/v1/runs", Access::Read, get(runs::list)),
        row("/v1/runs/{id}", Access::Read, get(runs::show)),
        row("/v1/runs/{id}/log", Access::Read, get(runs::log)),
        row("/v1/runs/{id}/stop", Access::Operate, post(runs::stop)),
        row("/v1/approvals", Access::Read, get(approvals::list)),
        row("/v1/approvals/{id}", Access::Read, get(approvals::show)),
        row("/v1/approvals/{id}/approve", Access::Decide, post(approvals::approve)),
        row("/v1/approvals/{id}/refuse", Access::Decide, post(approvals::refuse)),
        row("/v1/subjects/{name}/run", Access::Operate, post(subjects::run)),
        row("/v1/subjects/{name}/pause", Access::Operate, post(subjects::pause)),
        row("/v1/subjects/{name}/resume", Access::Operate, post(subjects::resume)),
        row("/v1/events", Access::Read, get(events::list)),
        row("/v1/agent/storage", Access::Read, get(agent::storage)),
        row("/v1/agent/backup-due", Access::Read, get(agent::backup_due)),
        row("/v1/agent/backup-status", Access::Read, get(agent::backup_status)),
        row("/v1/agent/disks", Access::Read, get(agent::disks)),
        row("/v1/agent/host-metrics", Access::Read, get(agent::host_metrics)),
        row("/v1/agent/assign-disk", Access::Operate, post(agent::assign_disk)),
        row("/v1/agent/eject-disk", Access::Operate, post(agent::eject_disk)),
    ]
}

fn router(state: ApiState) -> Router {
    let mut router = Router::new();
    for Row { path, access, handler } in table() {
        let check = from_fn(move |request: Request, next: Next| check_access(access, request, next));
        router = router.route(path, handler.route_layer(check));
    }
    let nothing = async || Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no such path");
    let other_method =
        async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "invalid-argument", "not with this method");
    router.fallback(nothing).method_not_allowed_fallback(other_method).with_state(state)
}

async fn check_access(needed: Access, request: Request, next: Next) -> Result<Response, Problem> {
    // Without rights, which the accept loop puts in, nothing is allowed.
    let is_allowed = request.extensions().get::<Rights>().is_some_and(|rights| rights.allow(needed));
    if is_allowed {
        return Ok(next.run(request).await);
    }
    let detail = match needed {
        Access::Open | Access::Read | Access::Operate => "this socket is read-only",
        Access::Decide => "only root, the controller's user and those in `approvers` may decide",
    };
    Err(Problem::new(StatusCode::FORBIDDEN, "denied", detail))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests wait for real threads and sockets")]
mod tests;
