//! The lines of one run.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use agentapi_contract::wit::Function;
use agentapi_contract::{Method, Route};
use agentapi_quiesce::{Backup, QuiesceError, Report};
use serde::Serialize;

use crate::error::Error;
use crate::network::Credentials;
use crate::policy::approver::Decision;
use crate::policy::audit::Audit;
use crate::policy::audit::answer::{Answer, end_of_call, end_of_run, failure, quiesce_failure};
use crate::policy::audit::entry::{AuditApproval, AuditConsistency, AuditEnd, AuditEntry, AuditEvent, AuditOutcome};
use crate::policy::audit::findings::Findings;
use crate::policy::audit::rows::{Rows, fingerprint};
use crate::policy::audit::target::AuditTarget;
use crate::policy::audit::text::clean;
use crate::policy::error::RunError;
use crate::policy::identity::Identity;
use crate::records::{BackupJob, BackupStatus};

/// Makes the lines of one run, for the audit that the controller set, if it set one. Shared by the run and its calls.
#[derive(Clone)]
pub(in crate::policy) struct Trail(Arc<Shared>);

struct Shared {
    identity: Identity,
    run: String,
    audit: Option<Arc<dyn Audit>>,
    /// Masks the secrets of the agent that the run calls.
    credentials: Arc<Credentials>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last_id: u64,
    rows: Rows,
    findings: Findings,
}

/// What all lines of an operation have in common.
#[derive(Clone)]
pub(super) struct Subject {
    id: u64,
    operation: String,
    target: AuditTarget,
}

/// An operation that has begun. Dropped before it has ended, it writes its end as abandoned.
#[must_use = "an operation that is dropped has been abandoned"]
pub(in crate::policy) struct Operation {
    trail: Trail,
    subject: Subject,
    /// None for the run itself.
    function: Option<Function>,
    started: Instant,
    /// When a begin happened that is written only if the answer is a new one.
    unwritten_begin: Option<u64>,
    approval: Option<AuditApproval>,
    is_ended: bool,
}

impl Trail {
    pub(in crate::policy) fn new(
        identity: Identity,
        audit: Option<Arc<dyn Audit>>,
        credentials: Arc<Credentials>,
    ) -> Self {
        Self(Arc::new(Shared { identity, run: new_run(), audit, credentials, state: Mutex::default() }))
    }

    /// The run itself begins.
    pub(in crate::policy) fn begin_run(&self) -> Operation {
        let subject = Subject { id: 0, operation: "run".into(), target: AuditTarget::default() };
        self.write(subject.clone(), AuditEvent::Begin);
        Operation::new(self.clone(), subject, None)
    }

    /// A call begins. Unless it is a poll that may be one of a row, its begin is written when this returns.
    pub(in crate::policy) fn begin(&self, function: Function, target: AuditTarget) -> Operation {
        let mut state = self.state();
        state.last_id += 1;
        let subject = Subject { id: state.last_id, operation: function.to_string(), target };
        let ended: Vec<_> = if acts(function) { state.rows.end_all().collect() } else { Vec::new() };
        let is_poll = state.rows.has(function);
        drop(state);
        for (first, repeated) in ended {
            self.write(first, repeated);
        }
        let mut operation = Operation::new(self.clone(), subject, Some(function));
        if is_poll {
            operation.unwritten_begin = Some(now_unix_ms());
        } else {
            self.write(operation.subject.clone(), AuditEvent::Begin);
        }
        operation
    }

    /// A start is about to be sent, and whether everything stands still.
    pub(in crate::policy) fn start_begins(&self, is_frozen: bool) {
        self.state().findings.start_begins(is_frozen);
    }

    /// The answer to that start.
    pub(in crate::policy) fn start_ends(&self, outcome: &Result<BackupJob, Error>) {
        self.state().findings.start_ends(outcome);
    }

    /// A status of this run's backup, and whether the backup is captured by it.
    pub(in crate::policy) fn status(&self, status: &BackupStatus, is_captured: bool) {
        self.state().findings.status(status, is_captured);
    }

    /// The report of a freeze of this run, if it has ended.
    pub(in crate::policy) fn freeze_ends(&self, report: Option<Report>) {
        self.state().findings.freeze_ends(report);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, subject: Subject, event: AuditEvent) {
        self.write_at(now_unix_ms(), subject, event);
    }

    /// Not under the lock: an audit may be slow, and is somebody else's code.
    fn write_at(&self, at_unix_ms: u64, subject: Subject, event: AuditEvent) {
        let Shared { identity, run, audit, credentials, .. } = &*self.0;
        let Some(audit) = audit else { return };
        let Subject { id, operation, target } = subject;
        let (extension, extension_sha256) = (identity.name.to_string(), identity.sha256.to_string());
        let mut entry =
            AuditEntry { at_unix_ms, extension, extension_sha256, run: run.clone(), id, operation, target, event };
        entry.map_texts(|text| clean(credentials, text));
        audit.record(&entry);
    }
}

impl Operation {
    fn new(trail: Trail, subject: Subject, function: Option<Function>) -> Self {
        let started = Instant::now();
        Self { trail, subject, function, started, unwritten_begin: None, approval: None, is_ended: false }
    }

    /// The approver is asked now.
    pub(in crate::policy) fn asks(&mut self) {
        self.approval = Some(AuditApproval::Unanswered);
    }

    /// The approver has answered.
    pub(in crate::policy) fn decided(&mut self, decision: &Decision) {
        let by = decision.by().map(String::from);
        let approval =
            if decision.is_approved() { AuditApproval::Approved { by } } else { AuditApproval::Refused { by } };
        self.approval = Some(approval.clone());
        self.trail.write(self.subject.clone(), AuditEvent::Decided(approval));
    }

    /// A rule forbids it.
    pub(in crate::policy) fn denied(self, rule: &str) {
        self.refused("denied", rule);
    }

    /// It is not done, for a reason of this kind.
    pub(in crate::policy) fn refused(self, kind: &'static str, why: &str) {
        self.end(failure(kind, why.to_owned()), &());
    }

    /// It is done, and nobody but the host was asked.
    pub(in crate::policy) fn worked(self) {
        self.end(succeeded(), &());
    }

    /// The agent has answered, or cannot.
    pub(in crate::policy) fn answered<T: Answer>(self, outcome: &Result<T, Error>) {
        let end = end_of_call(outcome);
        match outcome {
            Ok(answer) => self.end(end, answer),
            Err(_) => self.end(end, &()),
        }
    }

    /// The freeze worked, or not.
    pub(in crate::policy) fn frozen(self, outcome: Result<(), &QuiesceError>) {
        let end = outcome.map_or_else(quiesce_failure, |()| succeeded());
        self.end(end, &());
    }

    /// The thaw worked, or not.
    pub(in crate::policy) fn thawed(self, outcome: Result<&Report, &QuiesceError>) {
        let worth = |report: &Report| {
            // Of a freeze in which no backup was begun there is nothing to say.
            let is_of_backup = report.backup != Backup::NotBegun;
            let consistency = is_of_backup.then(|| AuditConsistency::from(report.consistency()));
            AuditEnd { consistency, ..succeeded() }
        };
        self.end(outcome.map_or_else(quiesce_failure, worth), &());
    }

    /// The run has ended.
    pub(in crate::policy) fn ran(self, outcome: &Result<String, RunError>) {
        self.end(end_of_run(outcome), &());
    }

    fn end(mut self, end: AuditEnd, answer: &impl Serialize) {
        self.is_ended = true;
        if self.trail.0.audit.is_none() {
            return;
        }
        let guest = end.guest;
        let mut state = self.trail.state();
        state.findings.guest = guest.or(state.findings.guest);
        drop(state);
        match self.function.filter(|&function| !acts(function)) {
            Some(function) => self.end_poll(function, end, answer),
            None => self.write_end(end),
        }
    }

    fn end_poll(&mut self, function: Function, end: AuditEnd, answer: &impl Serialize) {
        let fingerprint = fingerprint(&self.subject.target, &end, answer);
        let mut state = self.trail.state();
        if fingerprint.is_some_and(|fingerprint| state.rows.count(function, fingerprint, now_unix_ms())) {
            return;
        }
        let ended = state.rows.end(function);
        if let Some(fingerprint) = fingerprint {
            state.rows.begin(function, self.subject.clone(), fingerprint);
        }
        drop(state);
        if let Some((first, repeated)) = ended {
            self.trail.write(first, repeated);
        }
        self.write_end(end);
    }

    fn write_end(&mut self, end: AuditEnd) {
        if let Some(at_unix_ms) = self.unwritten_begin.take() {
            self.trail.write_at(at_unix_ms, self.subject.clone(), AuditEvent::Begin);
        }
        let end = if self.function.is_none() { self.summary(end) } else { end };
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let end = AuditEnd { approval: self.approval.take(), milliseconds, ..end };
        self.trail.write(self.subject.clone(), AuditEvent::End(end));
    }

    /// The end of the run with what the host saw of it, after the counts that were not written yet.
    fn summary(&self, end: AuditEnd) -> AuditEnd {
        let mut state = self.trail.state();
        let (ended, end) = (state.rows.end_all().collect::<Vec<_>>(), state.findings.add_to(end));
        drop(state);
        for (first, repeated) in ended {
            self.trail.write(first, repeated);
        }
        end
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        if let Some((first, repeated)) = self.function.and_then(|function| self.trail.state().rows.end(function)) {
            self.trail.write(first, repeated);
        }
        self.write_end(AuditEnd::default());
    }
}

fn succeeded() -> AuditEnd {
    AuditEnd { outcome: AuditOutcome::Ok, ..AuditEnd::default() }
}

/// Whether a function changes something, at the agent or here. The others only read, or make no request at all.
fn acts(function: Function) -> bool {
    let is_post = |route: Route| route.function() == function && route.method() == Method::Post;
    matches!(function.interface(), "quiesce" | "notify") || Route::ALL.into_iter().any(is_post)
}

/// Two runs that begin in the same millisecond, perhaps on two machines, differ in the 64 bits that follow the time: the
/// standard library seeds `RandomState` from the system's random numbers, and no two of a process are the same.
fn new_run() -> String {
    format!("{:012x}-{:016x}", now_unix_ms(), RandomState::new().build_hasher().finish())
}

pub(super) fn now_unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
