//! What a fault does to an answer: to its head and body here, to its way over the wire by a [`Plan`].

use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::response::Parts;
use http::{HeaderValue, Response};

use crate::fault::Fault;
use crate::tampering::{Cut, Ending, Place, Plan};

/// An answer about to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// How long it is held back.
    pub(crate) delay: Duration,
    pub(crate) plan: Plan,
}

impl Outgoing {
    /// A response that is sent as it is.
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { head, body, delay: Duration::ZERO, plan: Plan::default() }
    }

    /// Does to the answer what this fault does. One that replaces the answer, or falls on a connection, does nothing.
    pub(crate) fn damage(&mut self, fault: Fault) {
        let length = self.body.len() as u64;
        match fault {
            Fault::Latency(late) => self.delay = late,
            Fault::Drip(pause) => self.plan.drip = Some(pause),
            Fault::ResetAt(byte) => self.cut(Place::Answer(byte), Ending::Reset),
            Fault::CloseBeforeAnswer => self.cut(Place::Answer(0), Ending::Close),
            Fault::CloseAfterAnswer => self.cut(Place::Body(length), Ending::Close),
            Fault::HalfBody => self.cut(Place::Body(length / 2), Ending::Close),
            Fault::WrongLength(off_by) => self.promise(off_by),
            Fault::MalformedJson => self.body.truncate(self.body.len().saturating_sub(1)),
            Fault::NewCertificate => self.announce_close(),
            Fault::Status(_) | Fault::Unauthorized | Fault::SlowHandshake(_) | Fault::ConnectionLimit(_) => {}
        }
    }

    fn cut(&mut self, at: Place, then: Ending) {
        self.plan.cut = Some(Cut { at, then });
    }

    /// Makes Content-Length differ from what comes. hyper insists that header and body agree, so it gets a body of
    /// the length promised: the padding is then cut off, or the bytes left out are written behind its back.
    fn promise(&mut self, off_by: i64) {
        let length = self.body.len();
        let most = length.saturating_add(LARGEST_PADDING);
        let off_by = isize::try_from(off_by).unwrap_or(isize::MAX);
        let promised = length.saturating_add_signed(off_by).min(most);
        if promised < length {
            let unannounced = self.body.split_off(promised);
            self.cut(Place::Body(promised as u64), Ending::Append(unannounced));
        } else {
            let mut padded = self.body.to_vec();
            padded.resize(promised, b' ');
            self.body = padded.into();
            self.cut(Place::Body(length as u64), Ending::Close);
        }
    }

    /// So that the client's next request needs a new connection.
    fn announce_close(&mut self) {
        let close = HeaderValue::from_static("close");
        self.head.headers.insert(CONNECTION, close);
    }
}

/// Most bytes that a Content-Length can promise too many: the padding is held in memory.
const LARGEST_PADDING: usize = 4 << 20;
