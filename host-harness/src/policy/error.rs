//! Why an extension is not loaded, and why a run gave no result.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;

use agentapi_contract::wit::{Function, POLICY};

use crate::policy::limits::Breach;
use crate::policy::observed::LastCall;
use crate::policy::state::RunState;
use crate::policy::trap::Trap;
use crate::sandbox::loader::CompileError;

/// Why an extension is not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It is no component, or one for another version.
    #[error("it is no component that can be run")]
    Component(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Loading it takes more than it may, or it crashes what compiles it.
    #[error(transparent)]
    NotCompiled(CompileError),
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// It does not export what an extension exports.
    #[error("expected a component that exports {POLICY}, found one that does not")]
    NoPolicy,
    /// It imports what no extension is given.
    #[error("it imports what no extension is given: {}", list(.0))]
    Forbidden(BTreeSet<String>),
    /// It imports functions that it is not granted.
    #[error(
        "it imports {}; granted are {}; missing are {}: grant them, or set `ungranted = \"deny\"` to load it all the \
         same and answer these with `denied`",
        list(imported),
        list(granted),
        list(missing)
    )]
    Ungranted {
        /// The functions that it imports.
        imported: BTreeSet<Function>,
        /// Those of them that are granted.
        granted: BTreeSet<Function>,
        /// Those of them that are not.
        missing: BTreeSet<Function>,
    },
}

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The extension reports a failure; the text is its own.
    #[error("the extension failed: {0}")]
    Failed(String),
    /// It exceeded a limit, and was stopped.
    #[error("the extension was stopped{}", after(last_call.as_ref()))]
    Stopped {
        /// The limit.
        #[source]
        breach: Breach,
        /// What it had called last, and whether that failed; none if it had called nothing.
        last_call: Option<LastCall>,
    },
    /// It trapped.
    #[error("the extension trapped{}", after(last_call.as_ref()))]
    Trapped {
        /// What the trap was, with the functions of the extension in which it happened.
        #[source]
        trap: Trap,
        /// What it had called last, and whether that failed; none if it had called nothing.
        last_call: Option<LastCall>,
    },
}

impl LoadError {
    /// What the engine says of a component that it does not run.
    pub(super) fn from_engine(why: wasmtime::Error) -> Self {
        Self::Component(why.into())
    }
}

impl From<CompileError> for LoadError {
    fn from(why: CompileError) -> Self {
        match why {
            CompileError::Malformed(why) => Self::Component(why),
            CompileError::Unreadable(why) => Self::Unreadable(why),
            why => Self::NotCompiled(why),
        }
    }
}

impl RunError {
    /// The error's name, as the audit has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Stopped { .. } => "stopped",
            Self::Trapped { .. } => "trapped",
        }
    }

    /// A limit that was exceeded comes out of the instance as the reason of its trap.
    pub(super) fn from_trap(why: wasmtime::Error, state: &RunState) -> Self {
        let last_call = state.calls.observed.latest();
        match state.breach(&why) {
            Some(breach) => Self::Stopped { breach, last_call },
            None => Self::Trapped { trap: Trap::new(&why), last_call },
        }
    }
}

fn after(last_call: Option<&LastCall>) -> String {
    last_call.map(|call| format!(" (its last call was {call})")).unwrap_or_default()
}

fn list<T: Display>(items: &BTreeSet<T>) -> String {
    if items.is_empty() {
        return "none".into();
    }
    let texts: Vec<_> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
