//! Freezes applications for a backup, and guarantees that they are thawed: on a real kernel, whatever happens to whoever
//! froze them.
//!
//! A [`Coordinator`] gives out one [`Lease`] at a time. What it freezes are [`Applications`], in order; they are thawed in
//! reverse:
//!
//! | kind | how | when its process dies |
//! | --- | --- | --- |
//! | [file system](Application::file_system) | `FIFREEZE` and `FITHAW` on a mount point | stays frozen until the next start |
//! | [holder](Application::holder) | a program that freezes, prints the line `frozen`, thaws when its input closes | thaws by itself |
//! | [programs](Application::programs) | a program to freeze and one to thaw | the freeze program dies; the next start thaws |
//! | [own code](Application::own) | [`Quiesce`] of whoever embeds this | the next start thaws, with the same code |
//!
//! # What happens when
//!
//! | what happens | what the coordinator does |
//! | --- | --- |
//! | the holder calls [`Lease::thaw`] | thaws |
//! | the holder returns, panics, traps or is cancelled: the lease is dropped | thaws in the background |
//! | the holder hangs, the process is stopped (Ctrl-Z) and goes on, a runtime ends: the lease ends ([`Settings::lease`]) | thaws by itself |
//! | every other thread waits in the kernel for what is frozen | thaws: the keeper needs none of them |
//! | the freeze fails | thaws what it may have frozen, unless the kernel says that it was somebody else's |
//! | the freeze takes too long | kills it and thaws, waits for its end however long that takes, thaws again, and once more when a daemon can no longer act for it. Only then the journal says `thawed` |
//! | a program that holds ends by itself, or somebody else thaws | thaws the rest; the backup is not [`Consistency::Application`] |
//! | a signal comes that ends the process, and [`Coordinator::thaw_on_signals`] was called | thaws, and then lets it |
//! | a thaw fails, hangs or panics | tries again, with growing pauses, until one worked; [`Coordinator::status`] says what is waited for |
//! | a thaw fails where nothing is frozen | freezes nothing: it is tried before the first freeze |
//! | another journal has frozen the same | freezes nothing: there is a lock for each thing ([`Settings::lock_folder`]) |
//! | the journal cannot be written, was deleted or replaced, or is something else | freezes nothing |
//! | the process dies, or is dying and waits for the thaw itself | the next one thaws what the *journal* recorded, before anything else ([`thaw_left_frozen`]) |
//! | its machine dies | as above; file systems and sessions are not frozen after a boot |
//!
//! A process that is stopped and never goes on, or a machine that nobody starts again, is thawed by nobody: that takes
//! something outside, such as a service manager's watchdog. What freeze processes cannot be seen is said at `Family` in
//! `process.rs`: daemons, and what changed its environment *and* left its group *and* lost its parents.
//!
//! Whose freeze it is the kernel does not tell: FIFREEZE and FITHAW act for one holder that all of user space shares, and
//! count nothing. A freeze that somebody else began before ours is answered with `EBUSY` and left alone, also when ours has
//! overrun by then. What cannot be told apart is a freeze that somebody else made *after* ours was thawed behind our back, or
//! after our process died: the thaw, or that of the next start, then takes theirs away, and [`Report::disturbed`] cannot
//! say so. The locks keep those apart who use this crate; whoever freezes by hand or with other software must not do so on a
//! file system that is given to a coordinator.
//!
//! # The threads
//!
//! All are started by [`Coordinator::open`], before anything is frozen. Nothing but the keeper is needed to thaw a file
//! system or to let a holder go; a thaw program needs a process, and is tried until there is one.
//!
//! ```text
//!   callers (any runtime, or none)      the keeper (a thread)            workers (a thread each)
//!
//!   Coordinator::freeze ──request────▶ ┌──────────────────────┐ ──order──▶ freezer, thawer   of each file system: ioctl
//!   Lease::thaw ─────────wish────────▶ │ waits on one Bell,   │ ──order──▶ freezer, thawer   of each pair of programs
//!   Lease dropped ───────wish────────▶ │ with a limit; makes  │ ──order──▶ holder            runs as long as its program
//!   status, idle ◀──────state───────── │ no system call that  │ ──order──▶ freezer, thawer   of own code: a runtime each
//!                                      │ can hang, logs       │ ──order──▶ clerk             journal and locks, only
//!                                      │ nothing              │                              while nothing is frozen
//!                                      └──────────────────────┘ ──order──▶ logger            after the thaw; not waited for
//!                                         ▲       each rings the Bell         │
//!                                         └───────────────────────────────────┘
//! ```
//!
//! A worker that hangs in the kernel costs its thread. The keeper waits for each with a limit, goes on, and comes back to it.
//!
//! # Embedding
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use agentapi_quiesce::{Application, Applications, Consistency, Coordinator, Parked, Program};
//!
//! # let dir = tempfile::tempdir()?;
//! # let journal = dir.path().join("quiesce.jsonl");
//! // Here they do nothing; for example `docker pause app` and `docker unpause app`.
//! let app = Application::programs(Program::parse("true")?, Program::parse("true")?);
//! let applications = Applications::new([app])?;
//! let settings = applications.settings();
//! # let settings = agentapi_quiesce::Settings { lock_folder: Some(dir.path().into()), ..settings };
//! let coordinator = Coordinator::open(journal, applications, settings)?;
//!
//! let mut lease = coordinator.freeze("nightly", &Parked::nothing_to_park()).await?;
//! lease.backup_begins();
//! // The backup is started here, and followed until the agent says that it has what it needs.
//! lease.backup_captured();
//! let report = lease.thaw().await?;
//! assert_eq!(report.consistency(), Consistency::Application);
//! println!("frozen for {} ms", report.frozen.as_millis());
//!
//! // Before the process ends: nothing is left frozen.
//! coordinator.idle().await?;
//! # Ok(())
//! # }
//! ```

#![cfg(target_os = "linux")]

mod application;
mod clerk;
mod coordinator;
mod device;
mod error;
mod file_system;
mod holder;
mod item;
mod journal;
mod keeper;
mod lease;
mod leftover;
mod machine_lock;
mod mark;
mod own;
mod pair;
mod parked;
mod process;
mod program;
mod programs;
mod pulse;
mod recovery;
mod report;
mod run;
mod running;
mod settings;
mod shared;
mod signals;
mod sync;
mod sys;
#[cfg(test)]
mod test_applications;
mod worker;

pub use application::{Application, Applications};
pub use coordinator::Coordinator;
pub use error::{JournalError, NotFrozen, QuiesceError, QuiesceFailure, Step, error_chain};
pub use lease::Lease;
pub use leftover::{Leftover, ThawError, thaw_left_frozen};
pub use own::{Quiesce, Quiescing};
pub use parked::Parked;
pub use program::{DEFAULT_PROGRAM_TIMEOUT, Program, ProgramFailure, ProgramsError};
pub use programs::Programs;
pub use report::{Backup, Consistency, EndedBy, Report, Stage, Status, StillFrozen};
pub use run::Run;
pub use settings::Settings;
pub use signals::{AfterThaw, ending_signals};
