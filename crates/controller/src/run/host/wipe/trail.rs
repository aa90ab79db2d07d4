//! The lines of such a run in the audit: those of an extension's `disks.format`.

use std::sync::Arc;

use agentapi_contract::{Route, visible};
use agentapi_host::Error;
use agentapi_host::policy::{
    AuditApproval, AuditEnd, AuditEntry, AuditEvent, AuditOutcome, AuditTarget, Wipe as Asked,
};
use agentapi_host::records::FormatResult;

use crate::approval::Desk;
use crate::clock::{Clock, Monotonic};
use crate::run::host::{HostRunner, ParkingAudit};

/// A format that has begun.
#[must_use = "each begin has an end"]
pub(super) struct Trail {
    audit: Option<Arc<dyn ParkingAudit>>,
    clock: Arc<dyn Clock>,
    /// What all lines have in common.
    entry: AuditEntry,
    begun: Monotonic,
    approval: AuditApproval,
}

impl Trail {
    /// Written before anybody is asked.
    pub(super) fn begin(runner: &HostRunner, asked: &Asked, asked_by: &str) -> Self {
        let mut target = AuditTarget::default();
        target.device = Some(clean(&asked.device));
        target.durable_id = Some(clean(&asked.durable_id));
        target.fstype = Some(clean(&asked.fstype));
        let mut entry = AuditEntry::default();
        entry.extension = asked.extension.clone();
        entry.extension_sha256 = asked_by.to_owned();
        entry.run = name(runner.clock.as_ref());
        entry.id = 1;
        entry.operation = Route::FormatDisk.function().to_string();
        entry.target = target;
        let (audit, clock, begun) = (runner.audit.clone(), Arc::clone(&runner.clock), runner.clock.monotonic());
        let trail = Self { audit, clock, entry, begun, approval: AuditApproval::Unanswered };
        trail.write(AuditEvent::Begin);
        trail
    }

    /// A person has agreed. Written before anything is sent.
    pub(super) fn approved(self, by: String) -> Self {
        self.decided(AuditApproval::Approved { by: Some(by) })
    }

    /// Nothing is sent.
    pub(super) fn refused(self, by: Option<String>, why: &str) {
        let mut end = AuditEnd::default();
        end.outcome = AuditOutcome::Failed("denied");
        end.reason = Some(why.to_owned());
        self.decided(AuditApproval::Refused { by }).end(end);
    }

    /// The run has ended before there was an answer.
    pub(super) fn unanswered(self) {
        self.end(AuditEnd::default());
    }

    /// The agent has answered, or cannot.
    pub(super) fn answered(self, outcome: &Result<FormatResult, Error>) {
        let mut end = AuditEnd::default();
        match outcome {
            Ok(result) => {
                end.outcome = AuditOutcome::Ok;
                end.guest = Some(result.vmid);
            }
            Err(error) => {
                end.outcome = AuditOutcome::Failed(error.kind());
                end.reason = reason(error);
            }
        }
        self.end(end);
    }

    fn decided(self, approval: AuditApproval) -> Self {
        self.write(AuditEvent::Decided(approval.clone()));
        Self { approval, ..self }
    }

    fn end(self, mut end: AuditEnd) {
        let milliseconds = self.clock.monotonic().since(self.begun).as_millis();
        end.milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
        end.reason = end.reason.as_deref().map(clean);
        end.approval = Some(self.approval.clone());
        self.write(AuditEvent::End(end));
    }

    fn write(&self, event: AuditEvent) {
        let Some(audit) = &self.audit else { return };
        let mut entry = self.entry.clone();
        (entry.at_unix_ms, entry.event) = (unix_ms(self.clock.as_ref()), event);
        audit.record(&entry);
    }
}

/// Names the run as those of extensions are: by its beginning, so that runs sort, and by chance.
fn name(clock: &dyn Clock) -> String {
    let nonce = Desk::nonce().unwrap_or_default();
    format!("{:012x}-{}", unix_ms(clock), nonce.get(..16).unwrap_or_default())
}

fn unix_ms(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.now().as_millisecond()).unwrap_or_default()
}

/// What the agent said. Nothing of the error's own text, which holds addresses.
fn reason(error: &Error) -> Option<String> {
    match error {
        Error::Agent(text) | Error::InvalidArgument(text) => Some(text.clone()),
        Error::NeedsConfirmation(result) | Error::FormatRefused(result) => Some(result.reason.clone()),
        Error::HttpStatus { status, text, .. } => Some(format!("{status}: {text}")),
        _ => None,
    }
}

/// A text as a line of the audit has it: not too long, and with nothing in it that nobody can see.
fn clean(text: &str) -> String {
    let cut: String = text.chars().take(MAX_CHARS).collect();
    visible(&cut).into_owned()
}

/// As many as of any text in the audit.
const MAX_CHARS: usize = 256;
