//! The requests that a mock agent received, for tests to look at afterwards.
//!
//! The log is bounded, by number and by bytes, because an agent may run for days under a client that never asks for
//! it. When it is full the oldest requests go, and are counted: `requests taken + requests kept + requests dropped`
//! is always the number of those that arrived.

use std::collections::VecDeque;
use std::sync::Mutex;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request};

use crate::lock::lock;

/// A request that arrived whole, whether or not it was authorised, on a route, or answered.
///
/// Its debug text does not show the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The connection it came on: 1 for the first whose handshake succeeded.
    pub connection: usize,
    /// Its method.
    pub method: Method,
    /// Its path and query, as they were sent.
    pub path: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl ReceivedRequest {
    /// The request with bytes of its own. hyper's header values and bodies are slices of the buffer that the
    /// connection was read into, so keeping a small one of them would keep a buffer of up to 400 KiB.
    pub(crate) fn new(connection: usize, request: &Request<Bytes>) -> Self {
        let path = request.uri().path_and_query();
        Self {
            connection,
            method: request.method().clone(),
            path: path.map_or_else(String::new, ToString::to_string),
            headers: copy_headers(request.headers()),
            body: Bytes::copy_from_slice(request.body()),
        }
    }

    /// The memory that it takes, in bytes, to within what an allocator adds.
    fn size(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + HEADER_OVERHEAD);
        size_of::<Self>() + self.path.len() + self.body.len() + headers.sum::<usize>()
    }
}

/// A copy that shares no bytes, and whose debug text does not show the token.
fn copy_headers(headers: &HeaderMap) -> HeaderMap {
    let mut copied = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let own = (HeaderName::from_bytes(name.as_str().as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        // Always so: what is in a header map may be in one.
        if let (Ok(name), Ok(mut value)) = own {
            value.set_sensitive(name == AUTHORIZATION);
            copied.append(name, value);
        }
    }
    copied
}

/// The newest requests of one agent.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    requests: VecDeque<ReceivedRequest>,
    /// Their sizes together.
    bytes: usize,
    /// How many were dropped since the agent's start.
    dropped: u64,
}

impl RequestLog {
    pub(crate) fn record(&self, request: ReceivedRequest) {
        let mut entries = lock(&self.0);
        entries.bytes += request.size();
        entries.requests.push_back(request);
        entries.drop_oldest();
    }

    pub(crate) fn requests(&self) -> Vec<ReceivedRequest> {
        lock(&self.0).requests.iter().cloned().collect()
    }

    pub(crate) fn take(&self) -> Vec<ReceivedRequest> {
        let mut entries = lock(&self.0);
        entries.bytes = 0;
        std::mem::take(&mut entries.requests).into()
    }

    pub(crate) fn dropped(&self) -> u64 {
        lock(&self.0).dropped
    }
}

impl Entries {
    fn drop_oldest(&mut self) {
        while self.requests.len() > MAX_KEPT_REQUESTS || self.bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
            self.dropped += 1;
        }
    }
}

/// Most requests that a mock agent keeps for tests to look at: some hours of a controller that polls every second, and
/// more than any test looks at.
pub const MAX_KEPT_REQUESTS: usize = 10_000;

/// Most memory that those requests take, in bytes: 16 MiB, a dozen of the largest that are read.
pub const MAX_KEPT_BYTES: usize = 16 << 20;

/// Memory that a header takes beside its own bytes, in bytes: its bucket in the map, and the map's spare capacity.
const HEADER_OVERHEAD: usize = 256;

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, Request};

    use super::{MAX_KEPT_BYTES, MAX_KEPT_REQUESTS, ReceivedRequest, RequestLog};

    fn request(path: &str, body: usize) -> ReceivedRequest {
        let request = Request::post(path).header("x-custom", "value").body(Bytes::from(vec![b' '; body])).unwrap();
        ReceivedRequest::new(1, &request)
    }

    fn size_of_all(log: &RequestLog) -> usize {
        log.requests().iter().map(ReceivedRequest::size).sum()
    }

    #[test]
    fn the_newest_requests_are_kept_and_the_oldest_counted_as_dropped() {
        let log = RequestLog::default();
        for number in 0..MAX_KEPT_REQUESTS + 3 {
            log.record(request(&format!("/{number}"), 0));
        }
        assert_eq!((log.requests().len(), log.dropped()), (MAX_KEPT_REQUESTS, 3));
        let kept = log.take();
        assert_eq!((kept[0].path.as_str(), kept.last().unwrap().path.as_str()), ("/3", "/10002"));
        assert!(log.requests().is_empty());
    }

    #[test]
    fn large_requests_are_bounded_by_their_bytes() {
        const BODY: usize = 1 << 20;
        let log = RequestLog::default();
        for _ in 0..20 {
            log.record(request("/", BODY));
        }
        assert_eq!((log.requests().len(), log.dropped()), (15, 5));
        assert!(size_of_all(&log) <= MAX_KEPT_BYTES);
    }

    #[test]
    fn paths_and_headers_count_as_bodies_do() {
        let log = RequestLog::default();
        for _ in 0..300 {
            let long = "x".repeat(50_000);
            let request = Request::get(format!("/{long}")).header("x-long", &long).header(&long, "").body(Bytes::new());
            log.record(ReceivedRequest::new(1, &request.unwrap()));
        }
        assert_eq!(log.requests().len() as u64 + log.dropped(), 300);
        assert!(size_of_all(&log) <= MAX_KEPT_BYTES && log.dropped() > 150, "{} were dropped", log.dropped());
    }

    #[test]
    fn what_is_taken_makes_room_and_is_not_counted_as_dropped() {
        let log = RequestLog::default();
        for _ in 0..3 {
            for _ in 0..15 {
                log.record(request("/", 1 << 20));
            }
            assert_eq!((log.take().len(), log.dropped()), (15, 0));
        }
    }

    #[test]
    fn a_recorded_request_shares_no_bytes_with_the_buffer_it_was_read_into() {
        let buffer = Bytes::from(vec![b'v'; 400 << 10]);
        let mut headers = HeaderMap::new();
        headers.insert("x-custom", http::HeaderValue::from_maybe_shared(buffer.slice(..8)).unwrap());
        let mut request = Request::new(buffer.slice(8..16));
        *request.headers_mut() = headers;
        let received = ReceivedRequest::new(1, &request);
        assert_eq!(
            (&received.headers["x-custom"], &received.body[..]),
            (&request.headers()["x-custom"], &b"vvvvvvvv"[..])
        );
        drop(request);
        assert!(buffer.is_unique(), "the buffer is still held");
    }
}
