//! The body of a request is read whole before anything else looks at the request. So a request that is refused has been
//! read: its sender hears why, and not of a broken pipe. And one whose body never comes does not keep its connection.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;

use crate::api::problem::{Problem, ProblemKind};

/// Reads it within this time, and passes the request on.
pub(super) async fn read(limit: Duration, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let read = tokio::time::timeout(limit, to_bytes(body, MAX_BYTES)).await;
    let late = format!("the body was not there within {} s", limit.as_secs());
    let body = read.map_err(|_| Problem::new(ProblemKind::RequestTimeout, late))?;
    let long = format!("the body is longer than {MAX_BYTES} bytes, or was cut off");
    let body = body.map_err(|_| Problem::new(ProblemKind::TooLarge, long))?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}

/// Length of a body: that of any that there is, many times.
pub(super) const MAX_BYTES: usize = 64 * 1024;
/// As long as a head may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
