//! Policy extensions: other people's components, which automate disk and backup work through an [`Agent`] and need not
//! be trusted.
//!
//! An extension may call the functions that it is [granted](Grants), and sees neither endpoint nor token. It has no
//! file, environment or network. What it uses is bounded by [`Limits`]; whatever it does, a run ends with its result or
//! a [`RunError`], and the next run works. It cannot confirm a wipe in the customer's name: an [`Approver`] does.
//!
//! ```text
//!  Host::load_policy ─▶ compile ─▶ Imports: is all of it granted? ─▶ Policy
//!
//!  Policy::run ─▶ a store of its own: limits, log, WASI without files ─▶ the extension's `run`
//!                                                                          │ imports
//!                                                                          ▼
//!   Calls: count ─▶ begin in the audit ─▶ grant ─▶ approver, for a wipe ─▶ Agent, or a freeze
//!                                        error without address ◀─ end in the audit ◀──┘
//! ```
//!
//! ```no_run
//! # async fn run(host: agentapi_host::Host, agent: agentapi_host::Agent) -> Result<(), Box<dyn std::error::Error>> {
//! use agentapi_host::policy::{Grants, Limits};
//!
//! let grants = Grants::from_toml(r#"functions = ["backup.*"]"#)?;
//! let policy = host.load_policy("nightly.wasm", &grants, &Limits::default())?; // refused here if it wants more
//! println!("{}", policy.run(&agent, "{}").await?);
//! # Ok(())
//! # }
//! ```
//!
//! [`Agent`]: crate::Agent

mod approver;
mod audit;
mod backup_loop;
mod bindings;
mod calls;
mod captured;
mod clock;
mod cpu;
mod dry_run;
mod error;
mod extension;
mod grants;
mod identity;
mod imports;
mod limits;
mod line;
mod load;
mod log;
mod memory;
mod notification;
mod observed;
mod random;
mod redact;
mod run;
mod state;
mod state_store;
mod trap;
mod wasi;
mod wasi_clock;

pub use agentapi_contract::wit::Function;
pub use approver::{AllowOnce, Approver, AskOnTerminal, Decision, DenyAll, Wipe};
pub use audit::{
    Audit, AuditApproval, AuditBackup, AuditConsistency, AuditEnd, AuditEntry, AuditEvent, AuditFile, AuditOutcome,
    AuditTarget,
};
pub use backup_loop::{BackupLoop, BackupOutcome, BackupReport, CallFailure, OnFreezeFailure, ThawOn};
pub use captured::Captured;
pub use clock::{Clock, SystemClock, VirtualClock};
pub use error::{LoadError, RunError};
pub use extension::Policy;
pub use grants::{FUNCTIONS, Grant, GrantError, Grants, GrantsTomlError, Ungranted};
pub use imports::Imports;
pub use limits::{Breach, Limits};
pub use log::{Level, Log, TracingLog};
pub use notification::{MemoryNotifications, Notification, NotificationFuture, NotificationSeverity, Notifications};
pub use observed::{CallObserver, LastCall, ObservedCall, ObservedError};
pub use state_store::{
    MAX_STATE_BYTES, MAX_STATE_KEY_BYTES, MAX_STATE_KEYS, MAX_STATE_VALUE_BYTES, MemoryState, StateFuture, StateStore,
    StateStoreError,
};
pub use trap::{Trap, TrapFrame};
