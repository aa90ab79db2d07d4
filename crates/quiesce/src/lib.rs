//! Freezes the controller's applications for a backup, and guarantees that they are thawed.
//!
//! A [`Coordinator`] gives out one [`Lease`] at a time. Whatever becomes of its holder, the applications are thawed:
//!
//! | what happens | what the coordinator does |
//! | --- | --- |
//! | the holder calls [`Lease::thaw`] | thaws |
//! | the holder returns, panics, traps or is cancelled: the lease is dropped | thaws in the background |
//! | the holder hangs: the lease ends ([`Settings::lease`]) | thaws by itself |
//! | the freeze fails or takes too long: it may have half worked | thaws |
//! | a thaw fails, hangs or panics | tries again, with growing pauses, until one worked |
//! | the process dies | the next one that opens the journal thaws, before anything else may freeze |
//!
//! The journal's entry is on the disk before the freeze begins. A journal that cannot be written means no freeze.
//!
//! What freezes and thaws is the controller's: it implements [`Quiesce`], or has [`Programs`] run.
//!
//! # Embedding
//!
//! ```
//! # #[cfg(unix)]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use agentapi_quiesce::{Consistency, Coordinator, Programs};
//!
//! # let dir = tempfile::tempdir()?;
//! # let journal = dir.path().join("quiesce.jsonl");
//! // Here they do nothing; for example `psql -c 'select pg_backup_start($$nightly$$)'`.
//! let programs = Programs::parse(&["true"], &["true"])?;
//! let settings = programs.settings();
//! let coordinator = Coordinator::open(journal, Arc::new(programs), settings)?;
//!
//! let mut lease = coordinator.freeze("nightly").await?;
//! // The backup is started here.
//! let report = lease.thaw().await?;
//! assert_eq!(report.consistency(), Consistency::Application);
//! println!("frozen for {} ms", report.frozen.as_millis());
//!
//! // Before the process ends: nothing is left frozen.
//! coordinator.idle().await;
//! # Ok(())
//! # }
//! # #[cfg(not(unix))]
//! # fn main() {}
//! ```

mod coordinator;
mod error;
mod journal;
mod keeper;
mod lease;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod programs;
mod report;
mod run;
mod settings;
#[cfg(test)]
mod test_applications;

use std::pin::Pin;

pub use coordinator::Coordinator;
pub use error::{JournalError, NotFrozen, QuiesceError, QuiesceFailure, Step, error_chain};
pub use lease::Lease;
#[cfg(unix)]
pub use program::{DEFAULT_PROGRAM_TIMEOUT, Program, ProgramFailure};
#[cfg(unix)]
pub use programs::{Application, Programs, ProgramsError};
pub use report::{Consistency, EndedBy, Report, Stage, Status};
pub use run::Run;
pub use settings::Settings;

/// A freeze or thaw that is going on.
pub type Quiescing<'a> = Pin<Box<dyn Future<Output = Result<(), QuiesceFailure>> + Send + 'a>>;

/// How a controller's applications are frozen and thawed. The [`Coordinator`] decides when.
///
/// The two never run at once. Either future may be dropped before its end, when its time is over or the holder is gone;
/// from then on nothing that it began may still freeze. Both must yield rather than block: a time-out cannot interrupt
/// code that does not.
pub trait Quiesce: Send + Sync + 'static {
    /// Freezes the applications: done when all stand still. Not tried again when it fails; [`thaw`](Self::thaw) follows.
    fn freeze(&self) -> Quiescing<'_>;

    /// Thaws the applications: done when all run again.
    ///
    /// Called until it worked, and also after a freeze that failed or never began, so it must be idempotent: what is not
    /// frozen is left alone, and that is no error.
    fn thaw(&self) -> Quiescing<'_>;
}
