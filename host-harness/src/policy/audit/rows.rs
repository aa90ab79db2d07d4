//! Polls that give the same answer again: counted instead of written.
//!
//! An extension that follows a backup for hours asks for its status thousands of times. Each function that only reads has
//! a row of equal answers. The row ends with another answer, before an operation that acts, and with the run.

use std::collections::BTreeMap;

use agentapi_contract::wit::Function;
use serde::Serialize;

use crate::policy::audit::entry::{AuditEnd, AuditEvent};
use crate::policy::audit::target::AuditTarget;
use crate::policy::audit::trail::Subject;
use crate::sha256::Sha256Writer;

/// What makes two answers equal: what was asked for, what came of it, and all of the answer. A hash, because an answer
/// may have a megabyte.
pub(super) type Fingerprint = [u8; 32];

/// The rows that have not ended, by function.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<Function, Row>);

struct Row {
    /// The poll that was written.
    first: Subject,
    fingerprint: Fingerprint,
    /// How many came after it.
    times: u64,
    last_unix_ms: u64,
}

impl Rows {
    pub(super) fn begin(&mut self, function: Function, first: Subject, fingerprint: Fingerprint) {
        self.0.insert(function, Row { first, fingerprint, times: 0, last_unix_ms: 0 });
    }

    /// Whether the function was polled before, so that the next answer may be an equal one.
    pub(super) fn has(&self, function: Function) -> bool {
        self.0.contains_key(&function)
    }

    /// Counts an answer if it is equal to those of its row. Whether it was.
    pub(super) fn count(&mut self, function: Function, fingerprint: Fingerprint, now_unix_ms: u64) -> bool {
        let row = self.0.get_mut(&function).filter(|row| row.fingerprint == fingerprint);
        if let Some(row) = row {
            row.times += 1;
            row.last_unix_ms = now_unix_ms;
            return true;
        }
        false
    }

    /// Ends a row. What is to be written of it: nothing if the poll that was written was the only one.
    pub(super) fn end(&mut self, function: Function) -> Option<(Subject, AuditEvent)> {
        self.0.remove(&function)?.repeated()
    }

    /// Ends all rows.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = (Subject, AuditEvent)> {
        std::mem::take(&mut self.0).into_values().filter_map(Row::repeated)
    }
}

impl Row {
    fn repeated(self) -> Option<(Subject, AuditEvent)> {
        let Self { first, fingerprint: _, times, last_unix_ms } = self;
        (times > 0).then_some((first, AuditEvent::Repeated { times, last_unix_ms }))
    }
}

/// None where something has no JSON, which then equals nothing.
pub(super) fn fingerprint(target: &AuditTarget, end: &AuditEnd, answer: &impl Serialize) -> Option<Fingerprint> {
    let mut hasher = Sha256Writer::new();
    serde_json::to_writer(&mut hasher, &(target, end.outcome, &end.reason, answer)).ok()?;
    Some(hasher.finish())
}
