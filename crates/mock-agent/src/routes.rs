//! What the agent answers to a request: the nine routes over its state, behind the bearer token.
//!
//! The checks come in this order: token (401), path (404), method (405), body (400). A request without the token
//! learns nothing, not even whether its path exists.

use std::sync::Mutex;

use agentapi_contract::{Method, Route, Token};
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, HeaderValue};
use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::envelope::Answer;
use crate::lock::lock;
use crate::state::State;

/// The answer to this request.
pub(crate) fn answer(request: &Request<Bytes>, token: &Token, state: &Mutex<State>) -> Response<Bytes> {
    let authorization = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    let mut response = match route_of(request) {
        _ if !token.admits(authorization) => unauthorized().into_response(),
        Some(route) => on_route(route, request.body(), state).into_response(),
        None => off_route(request.uri().path()),
    };
    // hyper would leave the body out too, but a fault that cuts at half of it would count bytes that never come.
    if request.method() == http::Method::HEAD {
        response.body_mut().clear();
    }
    response
}

/// The route of a request that somebody else answers, or the refusal. A HEAD is refused: its answer would have a body
/// that is cut like any other.
pub(crate) fn admit(request: &Request<Bytes>, token: &Token) -> Result<Route, Response<Bytes>> {
    let authorization = request.headers().get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes);
    if !token.admits(authorization) {
        return Err(unauthorized().into_response());
    }
    let path = request.uri().path();
    Route::of(request.method().as_str(), path).ok_or_else(|| off_route(path))
}

/// The answer to a request without the right token.
pub(crate) fn unauthorized() -> Answer {
    Answer::refused(StatusCode::UNAUTHORIZED, "missing or wrong bearer token")
}

/// The route that a request is on. A HEAD is answered as the GET would be (RFC 9110, section 9.3.2).
fn route_of(request: &Request<Bytes>) -> Option<Route> {
    let method = match *request.method() {
        http::Method::HEAD => Method::Get.as_str(),
        ref method => method.as_str(),
    };
    Route::of(method, request.uri().path())
}

/// Refuses a request on no route: because of its method where the agent has the path, else because of the path.
fn off_route(path: &str) -> Response<Bytes> {
    let Some(allowed) = allowed_methods(path) else {
        return Answer::refused(StatusCode::NOT_FOUND, "no such path").into_response();
    };
    let error = "this path does not take this method";
    let mut response = Answer::refused(StatusCode::METHOD_NOT_ALLOWED, error).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// What a path that the agent has takes: each has one method.
fn allowed_methods(path: &str) -> Option<&'static str> {
    let route = Route::ALL.into_iter().find(|route| route.path() == path)?;
    Some(match route.method() {
        Method::Get => "GET,HEAD",
        Method::Post => "POST",
    })
}

fn on_route(route: Route, body: &[u8], state: &Mutex<State>) -> Answer {
    match route {
        Route::Storage => lock(state).mount_list(),
        Route::BackupDue => {
            let backup = &lock(state).backup;
            Answer::granted(StatusCode::OK, backup.due(backup.now()))
        }
        Route::StartBackup => with_body(body, |_: Map<String, Value>| {
            let backup = &mut lock(state).backup;
            let now = backup.now();
            Answer::granted(StatusCode::ACCEPTED, backup.start(now))
        }),
        Route::BackupStatus => {
            let backup = &lock(state).backup;
            Answer::granted(StatusCode::OK, backup.status(backup.now()))
        }
        Route::Disks => lock(state).disk_list(),
        Route::AssignDisk => with_body(body, |request| lock(state).assign(&request)),
        Route::EjectDisk => with_body(body, |request| lock(state).eject(&request)),
        Route::FormatDisk => with_body(body, |request| lock(state).format(&request)),
        Route::HostMetrics => lock(state).host_metrics(),
    }
}

/// Answers a request whose body is JSON of this shape, and refuses any other.
fn with_body<T: DeserializeOwned>(body: &[u8], answer: impl FnOnce(T) -> Answer) -> Answer {
    match serde_json::from_slice(body) {
        Ok(request) => answer(request),
        Err(error) => {
            let error = format!("request body is not the JSON expected: {error}");
            Answer::refused(StatusCode::BAD_REQUEST, error)
        }
    }
}

#[cfg(test)]
mod tests {
    use agentapi_contract::Route;

    use super::allowed_methods;

    #[test]
    fn no_path_has_two_methods_so_a_refusal_names_all_that_it_takes() {
        for route in Route::ALL {
            let same_path = Route::ALL.into_iter().filter(|other| other.path() == route.path());
            assert_eq!(same_path.count(), 1, "{route}");
            assert!(allowed_methods(route.path()).unwrap().starts_with(route.method().as_str()), "{route}");
        }
        assert_eq!(allowed_methods("/storage/"), None);
    }
}
