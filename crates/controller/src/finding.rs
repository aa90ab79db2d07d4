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
    /// What it is about: `backup`, an extension's name, `agent` or `controller`; of an extension's message its name and
    /// its key, such as `disk-watch/stale`. One finding for each kind and subject.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it is known to hold.
    pub since: Timestamp,
    /// One sentence for people; of an extension's message the title, and its text on lines of their own. It changes when
    /// the condition does, and not while it goes on.
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
        /// An extension has a message for the operator.
        ExtensionNotice = "extension-notice",
        /// The fleet's bus has not answered for some minutes. What is planned here goes on.
        BusUnreachable = "bus-unreachable",
    }
}

impl FindingKind {
    /// How much it matters; of an extension's message, unless that says otherwise.
    pub const fn severity(self) -> Severity {
        match self {
            Self::ApprovalWaiting | Self::BusUnreachable | Self::ExtensionNotice => Severity::Warning,
            Self::NoSuccess | Self::PinMismatch | Self::StateNotWritten => Severity::Critical,
        }
    }

    /// Whether somebody who was told is told again each day for as long as it holds. What an extension says is told once,
    /// as its contract has it.
    pub const fn is_repeated(self) -> bool {
        !matches!(self, Self::ExtensionNotice)
    }
}
