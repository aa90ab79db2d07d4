//! One request over the outgoing handler, one whole answer. Knows no API path.
//!
//! The host decides where a request may go, when its time is over and how the connection is checked; see `pinning` in
//! `wit/`. The limit on the body is held here too, so that it does not depend on the host.

use alloc::string::ToString;
use alloc::vec::Vec;

use agentapi_contract::{MAX_BODY_BYTES, Method as RouteMethod, Route};

use crate::bindings::felhom::agentapi::types::Error;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{ErrorCode, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::error::from_code;
use crate::session::Session;

/// The most that a stream takes at once. Source: `blocking-write-and-flush` of `wasi:io/streams`.
const MAX_WRITE_BYTES: usize = 4096;

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Sends the GET request of a route and waits for the whole answer.
pub(crate) fn get(route: Route) -> Result<Answer, Error> {
    debug_assert_eq!(route.method(), RouteMethod::Get);
    send(route, None)
}

/// Sends the POST request of a route, with a JSON text as its body, and waits for the whole answer.
pub(crate) fn post(route: Route, body: &[u8]) -> Result<Answer, Error> {
    debug_assert_eq!(route.method(), RouteMethod::Post);
    send(route, Some(body))
}

/// A POST if there is a body, else a GET. Each call of the host costs as much as reading some hundred bytes of JSON, so
/// none is made that changes nothing.
fn send(route: Route, body: Option<&[u8]>) -> Result<Answer, Error> {
    let session = Session::current()?;
    let headers = session.headers.clone();
    if body.is_some() && headers.append("content-type", b"application/json").is_err() {
        return Err(host_failed("the host refuses the request's headers"));
    }
    let request = OutgoingRequest::new(headers);
    let set = (body.is_none() || request.set_method(&Method::Post).is_ok())
        && request.set_scheme(Some(&Scheme::Https)).is_ok()
        && request.set_authority(Some(&session.authority)).is_ok()
        && request.set_path_with_query(Some(route.path())).is_ok();
    let outgoing = body.map(|body| request.body().map(|outgoing| (outgoing, body))).transpose();
    let (true, Ok(outgoing)) = (set, outgoing) else {
        return Err(host_failed("the host refuses the request"));
    };
    let response = outgoing_handler::handle(request, None).map_err(|code| from_code(&code))?;
    let written = outgoing.map_or(Ok(()), |(outgoing, body)| write_body(outgoing, body));
    // The agent may answer, or break the connection, before it has read the whole body: its answer says which.
    match (receive(&response), written) {
        (Ok(_), Err(())) => Err(host_failed("the host did not take the request's body")),
        (answer, _) => answer,
    }
}

fn write_body(outgoing: OutgoingBody, body: &[u8]) -> Result<(), ()> {
    let stream: OutputStream = outgoing.write()?;
    for chunk in body.chunks(MAX_WRITE_BYTES) {
        stream.blocking_write_and_flush(chunk).map_err(|_| ())?;
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None).map_err(|_| ())
}

fn receive(response: &outgoing_handler::FutureIncomingResponse) -> Result<Answer, Error> {
    // A host may have the answer as soon as the request is there.
    let result = response.get().or_else(|| {
        response.subscribe().block();
        response.get()
    });
    let result = result.ok_or_else(|| host_failed("the host has no answer after all"))?;
    let result = result.map_err(|()| host_failed("the host gave its answer away"))?;
    let response = result.map_err(|code| from_code(&code))?;
    let status = response.status();
    Ok(Answer { status, body: read_body(&response)? })
}

fn read_body(response: &IncomingResponse) -> Result<Vec<u8>, Error> {
    let body = response.consume().map_err(|()| host_failed("the host gives no response body"))?;
    let stream: InputStream = body.stream().map_err(|()| host_failed("the host gives no response body"))?;
    let mut read = Vec::new();
    loop {
        // A host that has read the answer whole need not be waited for.
        let chunk = match stream.read(MAX_BODY_BYTES + 1) {
            Ok(chunk) if chunk.is_empty() => stream.blocking_read(MAX_BODY_BYTES + 1),
            at_hand => at_hand,
        };
        match chunk {
            Ok(chunk) if read.is_empty() => read = chunk,
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(read),
            Err(StreamError::LastOperationFailed(_)) => return Err(from_code(&ErrorCode::HttpResponseIncomplete)),
        }
        if read.len() as u64 > MAX_BODY_BYTES {
            return Err(Error::ResponseTooLarge(MAX_BODY_BYTES));
        }
    }
}

/// The host does not do what `wasi:http` says it does. No request of ours can have been the reason.
fn host_failed(how: &str) -> Error {
    Error::Interrupted(how.to_string())
}
