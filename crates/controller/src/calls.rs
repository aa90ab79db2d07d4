//! What the host library tells of each call to the agent: it is counted and traced, and shows whether the agent is the
//! pinned one.

use std::sync::Arc;

use agentapi_host::{CallSummary, Observer};
use tokio::sync::watch;

use crate::counters::Counters;
use crate::traces;

/// Watches the calls to the agent. It counts and returns, because it runs on the task that made the call.
#[derive(Debug)]
pub struct Calls {
    identity: watch::Sender<Identity>,
    counters: Counters,
}

/// Whom the agent has shown to be, by the latest call that got so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// No call has got so far.
    #[default]
    Unknown,
    /// The pinned one.
    Pinned,
    /// Another one: its certificate is not pinned, or it does not have its key.
    Other,
}

impl Calls {
    /// None has been made.
    pub fn new(counters: Counters) -> Arc<Self> {
        Arc::new(Self { identity: watch::channel(Identity::Unknown).0, counters })
    }

    /// Whom the agent has shown to be.
    pub fn identity(&self) -> watch::Receiver<Identity> {
        self.identity.subscribe()
    }
}

impl Observer for Calls {
    fn call_ended(&self, call: &CallSummary) {
        self.counters.call_ended(call);
        traces::call_ended(call);
        let identity = match (call.outcome, call.fingerprint) {
            ("pin-mismatch", _) => Identity::Other,
            // There was a connection, and no connection is made to another one.
            (_, Some(_)) => Identity::Pinned,
            _ => return,
        };
        self.identity.send_if_modified(|known| std::mem::replace(known, identity) != identity);
    }
}
