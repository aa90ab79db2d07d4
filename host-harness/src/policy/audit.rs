//! The audit: what an extension asked for and what came of it, as the host saw it.
//!
//! ```text
//!  Policy::run ── Trail of the run ──┬─ the run itself: begin … end
//!                                    └─ Calls: begin ─▶ approver: decided ─▶ Agent, or a freeze ─▶ end
//!                                               │                                                  │
//!                                               └──────── dropped in between: end, abandoned ──────┘
//! ```
//!
//! - `entry` has the lines, `file` and `writer` write them, `trail` makes those of one run.
//! - Whatever acts has its `begin` before anything is sent, so that a process that is killed leaves a `begin` without
//!   an `end`. A future that is dropped writes its `end` as `abandoned`, by a guard.
//! - A poll that gives the same answer again is counted (`rows`), and the count is written when something changes.
//! - What a line says of a backup and its consistency comes from the answers and freezes that passed through the host
//!   (`findings`), never from the extension.
//! - Every text of agent or extension is masked, escaped and bounded in one place (`text`), before the line leaves here.

mod answer;
mod entry;
mod file;
mod findings;
mod rows;
mod target;
mod text;
mod trail;
mod writer;

pub(super) use answer::Answer;
pub use entry::{AuditApproval, AuditBackup, AuditConsistency, AuditEnd, AuditEntry, AuditEvent, AuditOutcome};
pub use file::AuditFile;
pub use target::AuditTarget;
pub(super) use trail::{Operation, Trail};

/// Receives a line for each thing that happens to an operation of an extension.
///
/// An entry is complete in itself: whoever stores entries elsewhere than in an [`AuditFile`] needs nothing of the file.
/// What ties the two lines of an operation together is [`AuditEntry::run`] with [`AuditEntry::id`].
pub trait Audit: Send + Sync + 'static {
    /// Called on the task of the run: for the begin of what acts before anything is sent, so that an entry that is
    /// stored when this returns is there whatever happens afterwards. Called also while a run is dropped. Must not
    /// panic, and should be quick, because the run waits for it.
    ///
    /// Nothing is stopped by an audit that cannot be written: it reports that itself, as [`AuditFile`] does in the log.
    fn record(&self, entry: &AuditEntry);
}
