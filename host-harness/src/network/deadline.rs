//! The one deadline of a call.

use std::io;
use std::time::Duration;

use agentapi_contract::{Authority, Route};
use tokio::time::Instant;

use crate::error::{Error, Phase};

/// A longer deadline is as good as none, and a point in time that far away cannot be computed on every clock.
const MAX_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// When a call has to be done, and how long that is from its start, which its error states.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: Duration,
}

impl Deadline {
    /// The deadline of a call that begins now.
    pub(crate) fn after(limit: Duration) -> Self {
        let limit = limit.min(MAX_LIMIT);
        Self { at: Instant::now() + limit, limit }
    }

    /// The error of a call that has missed it.
    pub(crate) fn error(self, authority: &Authority, route: Option<Route>, phase: Phase) -> Error {
        // Nobody has answered at all: that is an unreachable agent rather than a slow one, and nothing was sent.
        if phase == Phase::Connecting {
            let why = format!("no answer within {} ms", self.limit.as_millis());
            let source = io::Error::new(io::ErrorKind::TimedOut, why);
            return Error::Unreachable { authority: authority.clone(), source };
        }
        Error::Deadline { route, limit: self.limit, phase }
    }
}
