//! `--freeze-fs`, `--hold`, `--freeze`, `--thaw` and what goes with them: the applications that an extension may freeze.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agentapi_host::quiesce::{Application, Applications, Coordinator, Program, ProgramsError, Settings};
use anyhow::Context;
use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args};

use crate::error::UsageError;
use crate::extension::journal::default_journal;

/// What is frozen for a backup, and how: in the order in which it is typed, and thawed in reverse.
#[derive(Args)]
#[command(next_help_heading = "Applications")]
#[command(group(ArgGroup::new(APPLICATIONS).multiple(true).args(["freeze_fs", "hold", "freeze"])))]
pub(crate) struct QuiesceOptions {
    /// Freeze the file system that is mounted here, such as /data; again for more
    ///
    /// Needs root. The journal and the audit may lie there: they are not written while it is frozen.
    #[arg(long, value_name = "MOUNT", value_parser = typed)]
    freeze_fs: Vec<Typed>,
    /// Program that freezes, prints the line `frozen` and thaws when its standard input closes; again for more
    ///
    /// For what lives in a session, such as a database's lock. It thaws by itself when this command is killed.
    #[arg(long, value_name = "PROGRAM", value_parser = typed)]
    hold: Vec<Typed>,
    /// Program that freezes an application, such as 'docker pause app'; again for more
    ///
    /// Split into words as a shell would, and run without one. For a file system use --freeze-fs, which knows more. A
    /// program that asks a daemon (docker stop, virsh) may be killed at its time-out while the daemon goes on: the thaw is
    /// then run again when that time has passed once more.
    #[arg(long, value_name = "PROGRAM", value_parser = typed)]
    freeze: Vec<Typed>,
    /// Program that thaws it: one for each --freeze, in the same order
    ///
    /// Run until it ends with status 0, so it must do so where nothing is frozen, too: that is tried before the first
    /// freeze.
    #[arg(long, value_name = "PROGRAM")]
    thaw: Vec<String>,
    /// Remember in FILE what is frozen [default: agentapi/quiesce.jsonl in $XDG_STATE_HOME or ~/.local/state]
    ///
    /// Written before the freeze. After a crash or a power cut, the next run with the same file thaws first.
    #[arg(long, value_name = "FILE", requires = APPLICATIONS)]
    journal: Option<PathBuf>,
    /// Thaw after N seconds, whatever is going on: a backup that takes longer is crash-consistent
    #[arg(long, value_name = "N", requires = APPLICATIONS, default_value_t = 600, value_parser = seconds())]
    lease_s: u64,
    /// Kill a program that runs for longer than N seconds, with all that it started
    #[arg(long, value_name = "N", requires = APPLICATIONS, default_value_t = 30, value_parser = seconds())]
    program_timeout_s: u64,
    /// Give up waiting for a thaw that does not work after N seconds: the next run with the same journal thaws first
    #[arg(long, value_name = "N", requires = APPLICATIONS, value_parser = seconds())]
    thaw_give_up_s: Option<u64>,
}

/// What the other options are about: without one of these they would silently have no effect.
const APPLICATIONS: &str = "applications";

/// A value with its place among those that were typed.
#[derive(Clone)]
struct Typed {
    place: usize,
    text: String,
}

/// clap parses values in the order in which they stand on the command line, across options, so a count is their order.
fn typed(text: &str) -> Result<Typed, Infallible> {
    static PLACE: AtomicUsize = AtomicUsize::new(0);
    Ok(Typed { place: PLACE.fetch_add(1, Ordering::Relaxed), text: text.into() })
}

/// At least a second and at most a day: anything longer is a mistake in the unit.
fn seconds() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=24 * 60 * 60)
}

impl QuiesceOptions {
    /// Whether there are applications to freeze.
    pub(crate) fn are_given(&self) -> bool {
        !(self.freeze_fs.is_empty() && self.hold.is_empty() && self.freeze.is_empty() && self.thaw.is_empty())
    }

    /// Opens the journal and begins to thaw what an earlier process left frozen. None if there is nothing to freeze.
    pub(super) fn open(&self) -> anyhow::Result<Option<Coordinator>> {
        if self.are_given() { self.coordinator().map(Some) } else { Ok(None) }
    }

    fn coordinator(&self) -> anyhow::Result<Coordinator> {
        let applications = self.applications().map_err(|error| UsageError(format!("--freeze: {error}")))?;
        let settings = Settings {
            lease: Duration::from_secs(self.lease_s),
            give_up: self.thaw_give_up_s.map(Duration::from_secs),
            ..applications.settings()
        };
        let journal = match &self.journal {
            Some(file) => file.clone(),
            None => default_journal().context("the journal cannot be kept; name a file with --journal")?,
        };
        Ok(Coordinator::open(journal, applications, settings)?)
    }

    fn applications(&self) -> Result<Applications, ProgramsError> {
        let (freeze, thaw) = (self.freeze.len(), self.thaw.len());
        if freeze != thaw {
            return Err(ProgramsError::Unpaired { freeze, thaw });
        }
        let mut placed = Vec::new();
        for mount in &self.freeze_fs {
            placed.push((mount.place, Application::file_system(&mount.text)));
        }
        for program in &self.hold {
            placed.push((program.place, Application::holder(Program::parse(&program.text)?)));
        }
        for (freeze, thaw) in self.freeze.iter().zip(&self.thaw) {
            let application = Application::programs(Program::parse(&freeze.text)?, Program::parse(thaw)?);
            placed.push((freeze.place, application));
        }
        placed.sort_by_key(|(place, _)| *place);
        let applications = Applications::new(placed.into_iter().map(|(_, application)| application))?;
        Ok(applications.with_timeout(Duration::from_secs(self.program_timeout_s)))
    }
}
