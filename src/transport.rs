//! One request over `wasi:http`, one whole answer. Of the API it knows the routes, and nothing of what is in a body.
//!
//! Where a request may go, which certificate the peer must present and when the time is over are the host's to enforce;
//! `wit/pinning.wit` has its side. The limit on the body is enforced here as well, so that it holds on every host.
//!
//! Each call of a host function costs as much as reading some hundred bytes of JSON. So none is made that would change
//! nothing: a GET sets no method, which is the default, and has no body, and nothing is waited for that is there
//! already.

use alloc::string::ToString;
use alloc::vec::Vec;

use agentapi_contract::{MAX_BODY_BYTES, Method as RouteMethod, Route};

use crate::bindings::felhom::agentapi::types::Error;
use crate::bindings::wasi::http::outgoing_handler;
use crate::bindings::wasi::http::types::{ErrorCode, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::error::from_wasi_http;
use crate::session::Session;

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

/// Sends a POST request if there is a body, else a GET request.
fn send(route: Route, body: Option<&[u8]>) -> Result<Answer, Error> {
    let session = Session::current()?;
    // A request consumes its headers, and the next one needs them too.
    let headers = session.headers.clone();
    if body.is_some() && headers.append("content-type", b"application/json").is_err() {
        return Err(refused("the host refuses the request's headers"));
    }
    let request = OutgoingRequest::new(headers);
    let is_set = (body.is_none() || request.set_method(&Method::Post).is_ok())
        && request.set_scheme(Some(&Scheme::Https)).is_ok()
        && request.set_authority(Some(&session.authority)).is_ok()
        && request.set_path_with_query(Some(route.path())).is_ok();
    // The handle of the body has to be taken before `handle` consumes the request.
    let outgoing = body.map(|body| request.body().map(|outgoing| (outgoing, body))).transpose();
    let (true, Ok(outgoing)) = (is_set, outgoing) else {
        return Err(refused("the host refuses the request"));
    };
    let response = outgoing_handler::handle(request, None).map_err(|code| from_wasi_http(&code))?;
    // Only now does somebody read the other end of the body's stream: before, one longer than its buffer would block.
    let written = outgoing.map_or(Ok(()), |(outgoing, body)| write_body(outgoing, body));
    // A write fails when the agent answers, or breaks the connection, before it has read the whole body. What it
    // answered, or how the connection broke, says more than the failed write.
    match (receive(&response), written) {
        (Ok(_), Err(())) => Err(host_error("the host did not take the request's body")),
        (answer, _) => answer,
    }
}

fn write_body(outgoing: OutgoingBody, body: &[u8]) -> Result<(), ()> {
    let stream: OutputStream = outgoing.write()?;
    for chunk in body.chunks(MAX_WRITE_BYTES) {
        stream.blocking_write_and_flush(chunk).map_err(|_| ())?;
    }
    // The stream is a child of the body: finishing the body while it exists is a trap.
    drop(stream);
    OutgoingBody::finish(outgoing, None).map_err(|_| ())
}

fn receive(response: &outgoing_handler::FutureIncomingResponse) -> Result<Answer, Error> {
    // Some hosts send the request within `handle` and have the answer already: then there is nothing to wait for.
    let result = response.get().or_else(|| {
        response.subscribe().block();
        response.get()
    });
    let result = result.ok_or_else(|| host_error("the host has no answer after all"))?;
    let result = result.map_err(|()| host_error("the host gave its answer away"))?;
    let response = result.map_err(|code| from_wasi_http(&code))?;
    let status = response.status();
    Ok(Answer { status, body: read_body(&response)? })
}

fn read_body(response: &IncomingResponse) -> Result<Vec<u8>, Error> {
    let body = response.consume().map_err(|()| host_error("the host gives no response body"))?;
    let stream: InputStream = body.stream().map_err(|()| host_error("the host gives no response body"))?;
    let mut read = Vec::new();
    loop {
        // One byte more than the limit is asked for, so that a body of just that size is told from a larger one. The
        // first attempt does not block, because a host that buffers answers has all of it.
        let chunk = match stream.read(MAX_BODY_BYTES + 1) {
            Ok(chunk) if chunk.is_empty() => stream.blocking_read(MAX_BODY_BYTES + 1),
            available => available,
        };
        match chunk {
            // The first chunk, mostly the whole body, is kept as it is and not copied.
            Ok(chunk) if read.is_empty() => read = chunk,
            Ok(chunk) => read.extend_from_slice(&chunk),
            Err(StreamError::Closed) => return Ok(read),
            // The stream's own error is a resource with a debug text; that the answer is incomplete is all that
            // matters.
            Err(StreamError::LastOperationFailed(_)) => return Err(from_wasi_http(&ErrorCode::HttpResponseIncomplete)),
        }
        if read.len() as u64 > MAX_BODY_BYTES {
            return Err(Error::ResponseTooLarge(MAX_BODY_BYTES));
        }
    }
}

/// The error where the host does not take the request at all, so that nothing is sent.
fn refused(what: &str) -> Error {
    Error::Denied(what.to_string())
}

/// The error where the host has taken the request, and then does not do what `wasi:http` promises. `interrupted`,
/// because it is unknown how far the request had got by then.
fn host_error(what: &str) -> Error {
    Error::Interrupted(what.to_string())
}

/// The most bytes that a stream takes at once. Source: `blocking-write-and-flush` of `wasi:io/streams`.
const MAX_WRITE_BYTES: usize = 4096;
