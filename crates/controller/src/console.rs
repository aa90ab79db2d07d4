//! Pages for people, on both sockets beside the API: what runs, what waits for a person, and what they may do about it.
//!
//! Each page works without JavaScript; with it, what is on the page is kept up to date. A page asks the same state and the same
//! owner as the API does, and each act needs the same rights. `agentapi console` brings the pages to loopback
//! ([`doorway`]); a reverse proxy of the operator's may do the same under one of the names in `api.console_hosts`.
//!
//! | attack | what stands against it |
//! | --- | --- |
//! | another site's page asks for this one under a name of its own (rebinding) | `guard`: the host is loopback or configured |
//! | another site's page sends a form (CSRF) | `guard`: `Origin`, and a token that only these pages have |
//! | a frame over a button | `frame-ancestors 'none'` |
//! | markup in what the agent says | every text is escaped by its template, and no script or style stands in a page |

mod approvals;
mod ask;
mod assets;
mod backups;
mod calls;
mod disks;
pub mod doorway;
mod events;
mod extensions;
mod fleet;
mod form;
mod going;
mod guard;
mod health;
mod live;
mod overview;
mod page;
mod plot;
mod runs;
mod subjects;
mod time;
mod trouble;
#[cfg(test)]
mod visitor;
mod words;

use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use crate::api::ApiState;
use crate::api::access::Access;
use crate::api::problem::Problem;
use form::Secret;
use trouble::Trouble;
pub use words::size;

/// All pages, with what each asks for.
pub(crate) fn router(state: &ApiState) -> Router<ApiState> {
    let secret = Secret::new();
    let names = state.config.clone();
    let mut router = Router::new();
    for (access, path, handler) in table() {
        router =
            router.route(path, handler.layer(from_fn(move |request, next| guard::check_access(access, request, next))));
    }
    router
        .layer(axum::Extension(secret))
        .layer(from_fn(move |request, next| guard::check(names.clone(), request, next)))
}

/// What is wrong with a request that is none for a page or for the API.
pub(crate) fn told(problem: Problem) -> Response {
    guard::with_headers(Trouble::from(problem).into_response())
}

fn table() -> Vec<(Access, &'static str, MethodRouter<ApiState>)> {
    let look = |path, handler| (Access::Read, path, handler);
    let act = |path, handler| (Access::Operate, path, handler);
    let decide = |path, handler| (Access::Decide, path, handler);
    let pages = vec![
        look("/", get(overview::show)),
        look("/extensions", get(extensions::show)),
        look("/runs", get(runs::list)),
        look("/runs/{id}", get(runs::show)),
        act("/runs/{id}/stop", post(runs::stop)),
        look("/events", get(events::list)),
        look("/backups", get(backups::show)),
        look("/health", get(health::show)),
        act("/subjects/{name}/run", post(subjects::run)),
        act("/subjects/{name}/pause", post(subjects::pause)),
        act("/subjects/{name}/resume", post(subjects::resume)),
        look("/disks", get(disks::show)),
        act("/disks/eject", get(disks::eject::show).post(disks::eject::act)),
        act("/disks/assign", get(disks::assign::show).post(disks::assign::act)),
        act("/disks/wipe", get(disks::wipe::show).post(disks::wipe::act)),
        look("/approvals", get(approvals::list)),
        look("/approvals/{id}", get(approvals::one::show)),
        decide("/approvals/{id}/approve", post(approvals::one::approve)),
        decide("/approvals/{id}/refuse", post(approvals::one::refuse)),
        look("/live", get(live::stream)),
        look("/console.css", get(assets::style)),
        look("/console.js", get(assets::script)),
        look("/console.svg", get(assets::icon)),
    ];
    pages.into_iter().chain(fleet::table()).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests wait for real threads and sockets")]
mod tests;
