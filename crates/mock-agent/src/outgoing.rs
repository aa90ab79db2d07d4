//! An answer on its way out, and what a fault does to it: to its head and body here, and to its bytes on the wire by
//! the [`Plan`] that goes with it.

use std::time::Duration;

use agentapi_contract::MAX_BODY_BYTES;
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};

use crate::envelope::JSON;
use crate::fault::Fault;
use crate::recording::{Failure, Outcome};
use crate::tampering::{Cut, Ending, Place, Plan};

/// An answer about to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) head: Parts,
    pub(crate) body: Bytes,
    /// How long it is held back before its first byte.
    pub(crate) delay: Duration,
    pub(crate) plan: Plan,
}

impl Outgoing {
    /// A response that is sent as it is.
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self { head, body, delay: Duration::ZERO, plan: Plan::default() }
    }

    /// What leads the client to the same outcome.
    pub(crate) fn from_outcome(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Answer { status, body } => {
                let mut response = Response::new(body);
                // Out of range only where code and not a file made the outcome.
                *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                response.headers_mut().insert(CONTENT_TYPE, JSON);
                Self::new(response)
            }
            Outcome::Failed(Failure::ResponseTooLarge) => Self::spaces(MAX_BODY_BYTES + 1),
            Outcome::Failed(failure) => {
                let mut outgoing = Self::spaces(CUT_BODY_BYTES);
                // In the body and not before the answer: there, a client would send a GET again.
                outgoing.cut(Place::Body(CUT_BODY_BYTES / 2), Ending::Close);
                if matches!(failure, Failure::Deadline | Failure::Abandoned) {
                    outgoing.delay = LONGEST_HOLD;
                }
                outgoing
            }
        }
    }

    fn spaces(length: u64) -> Self {
        Self::new(Response::new(vec![b' '; usize::try_from(length).unwrap_or_default()].into()))
    }

    /// Does this fault to the answer. One that has replaced the answer, or happens to connections, does nothing here.
    pub(crate) fn damage(&mut self, fault: Fault) {
        let length = self.body.len() as u64;
        match fault {
            Fault::Latency(delay) => self.delay = delay,
            Fault::Drip(pause) => self.plan.drip = Some(pause),
            Fault::ResetAt(byte) => self.cut(Place::Answer(byte), Ending::Reset),
            Fault::CloseBeforeAnswer => self.cut(Place::Answer(0), Ending::Close),
            Fault::CloseAfterAnswer => self.cut(Place::Body(length), Ending::Close),
            Fault::HalfBody => self.cut(Place::Body(length / 2), Ending::Close),
            Fault::WrongLength(off_by) => self.misstate_length(off_by),
            Fault::MalformedJson => self.body.truncate(self.body.len().saturating_sub(1)),
            Fault::NewCertificate => self.announce_close(),
            Fault::Status(_) | Fault::Unauthorized | Fault::SlowHandshake(_) | Fault::ConnectionLimit(_) => {}
        }
    }

    fn cut(&mut self, at: Place, then: Ending) {
        self.plan.cut = Some(Cut { at, then });
    }

    /// Makes Content-Length differ from what comes. hyper insists that header and body agree, so it is given a body of
    /// the length to state: the padding is then cut off, or the bytes left out are written behind its back.
    fn misstate_length(&mut self, off_by: i64) {
        let length = self.body.len();
        let most = length.saturating_add(Fault::MAX_MISSING_BYTES);
        let off_by = isize::try_from(off_by).unwrap_or(isize::MAX);
        let stated = length.saturating_add_signed(off_by).min(most);
        if stated < length {
            let surplus = self.body.split_off(stated);
            self.cut(Place::Body(stated as u64), Ending::Append(surplus));
        } else {
            let mut padded = self.body.to_vec();
            padded.resize(stated, b' ');
            self.body = padded.into();
            self.cut(Place::Body(length as u64), Ending::Close);
        }
    }

    /// So that the client's next request needs a new connection, which is presented the new certificate.
    fn announce_close(&mut self) {
        let close = HeaderValue::from_static("close");
        self.head.headers.insert(CONNECTION, close);
    }
}

/// How long a client that was not answered in time is held: longer than any deadline in use, and not for ever. The hold
/// ends when the client closes its connection.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// The length of an answer that is announced and cut off halfway, in bytes.
const CUT_BODY_BYTES: u64 = 64;
