//! What happened: numbered lines, in the order in which the store committed them.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::RunId;

/// One line of what happened. Its number is given by the store, and grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Event {
    /// Its place among all events of this state folder.
    pub number: i64,
    /// When, by the wall clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about: `backup`, an extension's name, or `controller`.
    pub subject: String,
    /// The run that it belongs to, if it belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// One sentence for people. It may hold texts of the agent or of an extension: escape it before it is shown.
    pub text: String,
}

/// An event that has no number yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// What happened.
    pub kind: EventKind,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// The run that it belongs to, if it belongs to one.
    pub run: Option<RunId>,
    /// One sentence for people.
    pub text: String,
}

macro_rules! names {
    ($(#[doc = $doc:literal])* $type:ident { $($(#[doc = $case_doc:literal])* $case:ident = $name:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $type { $($(#[doc = $case_doc])* #[serde(rename = $name)] $case,)* }

        impl $type {
            /// Every case.
            pub const ALL: &[Self] = &[$(Self::$case,)*];

            /// Its name in JSON and in the store.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$case => $name,)* }
            }

            /// The case with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|case| case.name() == name)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        /// Not derived: utoipa does not see a name that comes out of a macro. The description says what each case means.
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                let text = concat!($($doc,)* "\n\n", $("- `", $name, "`:", $($case_doc,)* "\n",)*);
                let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some([$($name,)*]));
                names.description(Some(text.trim())).into()
            }
        }

        impl utoipa::ToSchema for $type {}
    };
}
pub(crate) use names;

names! {
    /// What happened.
    EventKind {
        /// The controller is ready.
        Started = "started",
        /// The controller ends in order.
        Stopped = "stopped",
        /// Another configuration is in use.
        Reloaded = "reloaded",
        /// A changed configuration was refused whole, and the one before it stays in use.
        ReloadRefused = "reload-refused",
        /// What an earlier process left frozen was thawed.
        Recovered = "recovered",
        /// A run waits for its permit.
        RunQueued = "run-queued",
        /// A run has begun.
        RunStarted = "run-started",
        /// A run is to stop: the text says who asked for it.
        RunStopping = "run-stopping",
        /// A run has ended: the text says how.
        RunEnded = "run-ended",
        /// A due time passed without a run: the text says why.
        RunSkipped = "run-skipped",
        /// A schedule was paused.
        Paused = "paused",
        /// A schedule goes on.
        Resumed = "resumed",
        /// A condition holds that a person should know of.
        FindingRaised = "finding-raised",
        /// A condition holds no more.
        FindingCleared = "finding-cleared",
        /// A wipe waits for a person's decision.
        ApprovalRequested = "approval-requested",
        /// A wipe was approved or refused, its time is over, or its approval was used or withdrawn: the text says which.
        ApprovalDecided = "approval-decided",
        /// Somebody has had the agent do something that is no run: the text says who, what, and how it went.
        AgentAsked = "agent-asked",
        /// An order that somebody has signed for this guest is to be done, once.
        OrderAccepted = "order-accepted",
        /// An order from far was refused: the text says why.
        OrderRefused = "order-refused",
        /// A decision on a wipe from far was refused: the text says why.
        VoteRefused = "vote-refused",
        /// Another wish of the fleet is in force: the text says which.
        WishTaken = "wish-taken",
        /// A wish of the fleet was refused: the text says why.
        WishRefused = "wish-refused",
        /// The fleet has changed an extension, or it is as before: the text says which.
        ExtensionChanged = "extension-changed",
        /// Bytes that the fleet wishes for an extension are refused: the text says why.
        ExtensionRefused = "extension-refused",
        /// The state was damaged, and was set aside.
        StateSetAside = "state-set-aside",
    }
}

names! {
    /// How much something matters, the least first.
    Severity {
        /// For the record.
        Info = "info",
        /// Somebody should look when there is time.
        Warning = "warning",
        /// Somebody should look now.
        Critical = "critical",
    }
}
