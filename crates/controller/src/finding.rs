//! Conditions that hold and that a person should know of. Raised once, and cleared when they hold no more.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::event::{Severity, names};

/// A condition that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Finding {
    /// Which condition.
    pub kind: FindingKind,
    /// What it is about: `backup`, an extension's name, `agent` or `controller`. One finding for each kind and subject.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it is known to hold.
    pub since: Timestamp,
    /// One sentence for people. It changes when the condition does, and not while it goes on.
    pub text: String,
}

names! {
    /// Which condition.
    FindingKind {
        /// There was no success for longer than the configuration allows.
        NoSuccess = "no-success",
        /// The agent presents another certificate than the pinned ones.
        PinMismatch = "pin-mismatch",
        /// An extension, or a user of the API, asks a person whether a disk may be wiped.
        ApprovalWaiting = "approval-waiting",
        /// What happens cannot be written down.
        StateNotWritten = "state-not-written",
    }
}

impl FindingKind {
    /// How much it matters.
    pub const fn severity(self) -> Severity {
        match self {
            Self::ApprovalWaiting => Severity::Warning,
            Self::NoSuccess | Self::PinMismatch | Self::StateNotWritten => Severity::Critical,
        }
    }
}
