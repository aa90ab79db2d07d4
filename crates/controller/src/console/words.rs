//! Words for people: those of the command.

use agentapi_host::visible;

use crate::event::Severity;
use crate::finding::{Finding, FindingKind};

/// A text of the agent or of an extension, with nothing that a person cannot see. Its template escapes it.
pub(super) fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// The class of a severity in the style sheet.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        _ => "info",
    }
}

/// What to do about a finding.
pub(super) fn advice(finding: &Finding) -> &'static str {
    match finding.kind {
        FindingKind::NoSuccess => {
            "Look at its latest run and at its log. If none was made, look whether its schedule is paused."
        }
        FindingKind::PinMismatch => {
            "Compare the fingerprints with the operator of the host before you trust the new one."
        }
        FindingKind::ApprovalWaiting => "Look at the disk, and decide under Approvals.",
        FindingKind::StateNotWritten => {
            "Look for room on the disk of the state folder. Runs go on meanwhile, and are not written down."
        }
    }
}
