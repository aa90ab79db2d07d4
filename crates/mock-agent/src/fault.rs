//! Faults on demand: what can go wrong, for which requests, and how often.

mod text;

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::selector::RouteSelector;

pub use text::FaultRuleError;

/// A fault, the requests it is for, and how often it happens.
///
/// In scenario files and on the command line a rule is a text, `ROUTE:FAULT[=VALUE][*TIMES]`. ROUTE is an operation
/// (`backup-due`, `format-disk`, ...) or `any`; without `*TIMES` the fault happens every time.
///
/// | FAULT | what the client sees | carried out? |
/// | --- | --- | --- |
/// | `latency=MS` | the answer comes late | yes |
/// | `drip=MS` | the answer comes a byte at a time, with a pause after each | yes |
/// | `reset-at=N` | TCP reset after N bytes of the answer, head included | yes |
/// | `close-before-answer` | the connection is closed without an answer | yes |
/// | `close-after-answer` | it is closed after an answer that promised to keep it | yes |
/// | `half-body` | half of the body, then the connection is closed | yes |
/// | `wrong-length=+N` | Content-Length is N too large; after the body the connection is closed | yes |
/// | `wrong-length=-N` | Content-Length is N too small; the whole body comes all the same | yes |
/// | `malformed-json` | a body without its last brace, of the length that is stated | yes |
/// | `status=CODE` | this status, `ok: false` | **no** |
/// | `unauthorized` | 401, as for a wrong token | **no** |
/// | `new-certificate` | a right answer; new connections are presented the next certificate | yes |
/// | `slow-handshake=MS` | the TLS handshake starts late; route `any` | |
/// | `connection-limit=N` | a connection beyond N open ones is closed at once; route `any` | |
///
/// At most one fault happens to a request: the first one injected that is for it and not used up. A list of faults
/// with `*1` is therefore a sequence. The same holds for a new connection and the last two.
///
/// ```
/// use agentapi_mock::{Fault, FaultRule, Repeat, Route};
///
/// let rule: FaultRule = "start-backup:reset-at=40*1".parse()?;
/// assert_eq!(rule, FaultRule::new(Route::StartBackup, Fault::ResetAt(40), Repeat::Times(1)));
/// assert_eq!(rule.to_string(), "start-backup:reset-at=40*1");
/// # Ok::<(), agentapi_mock::FaultRuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
#[non_exhaustive]
pub struct FaultRule {
    /// Which requests it happens to. Connection faults disregard it.
    pub route: RouteSelector,
    /// What goes wrong.
    pub fault: Fault,
    /// How often.
    pub repeat: Repeat,
}

impl FaultRule {
    /// A rule for this route, or for every one with [`RouteSelector::Any`].
    pub fn new(route: impl Into<RouteSelector>, fault: Fault, repeat: Repeat) -> Self {
        Self { route: route.into(), fault, repeat }
    }
}

/// Something that goes wrong. The table of [`FaultRule`] says what a client sees of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The answer is held back for this long.
    Latency(Duration),
    /// The answer comes a byte at a time, each in a TLS record of its own, with this pause after each.
    Drip(Duration),
    /// TCP reset after this many bytes of the answer, head included; 0 is before the answer.
    ResetAt(u64),
    /// The connection is closed, with TLS `close_notify`, in place of an answer.
    CloseBeforeAnswer,
    /// The connection is closed, with TLS `close_notify`, after an answer that did not announce it.
    CloseAfterAnswer,
    /// Half of the body comes, then the connection is closed with TLS `close_notify`.
    HalfBody,
    /// Content-Length is off by this many bytes. Positive: the missing ones never come and the connection is closed;
    /// at most [`Self::MAX_MISSING_BYTES`]. Negative: the surplus bytes are sent all the same and the connection stays
    /// open.
    WrongLength(i64),
    /// The body stops before its last byte, and Content-Length agrees with it.
    MalformedJson,
    /// This status (200 or above) with `ok: false`, and the operation is not carried out.
    Status(StatusCode),
    /// The answer to a wrong token, and the operation is not carried out.
    Unauthorized,
    /// New connections are presented the next certificate from now on; this connection ends with its answer.
    NewCertificate,
    /// The handshake of a new connection starts this much later.
    SlowHandshake(Duration),
    /// A new connection is closed at once where this many are open already.
    ConnectionLimit(usize),
}

impl Fault {
    /// Most bytes that a Content-Length can be too large by: 4 MiB, because as much padding is held in memory until
    /// the connection is closed.
    pub const MAX_MISSING_BYTES: usize = 4 << 20;

    /// Whether the fault happens to connections, before any request is known.
    pub(crate) const fn is_of_connection(self) -> bool {
        matches!(self, Self::SlowHandshake(_) | Self::ConnectionLimit(_))
    }
}

/// How often a fault happens before it is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// Every time, until [`MockAgent::clear_faults`](crate::MockAgent::clear_faults).
    Always,
    /// This many times.
    Times(u32),
}
