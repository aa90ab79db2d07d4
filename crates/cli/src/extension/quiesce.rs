//! `--freeze`, `--thaw` and what goes with them: the applications that an extension may freeze.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::quiesce::{Coordinator, Programs, Settings};
use anyhow::Context;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use crate::error::UsageError;
use crate::extension::journal::default_journal;

/// What is frozen for a backup, and how.
#[derive(Args)]
#[command(next_help_heading = "Applications")]
pub(crate) struct QuiesceOptions {
    /// Program that freezes an application, such as 'fsfreeze -f /data'; again for more, frozen in this order
    ///
    /// Split into words as a shell would, and run without one.
    #[arg(long, value_name = "PROGRAM")]
    freeze: Vec<String>,
    /// Program that thaws it: one for each --freeze, in the same order; they are run in reverse
    ///
    /// Run until it ends with status 0, so it must do so where nothing is frozen, too. fsfreeze does not: see the
    /// example.
    #[arg(long, value_name = "PROGRAM")]
    thaw: Vec<String>,
    /// Remember in FILE what is frozen [default: agentapi/quiesce.jsonl in $XDG_STATE_HOME or ~/.local/state]
    ///
    /// Written before the freeze. After a crash or a power cut, the next run with the same file thaws first.
    #[arg(long, value_name = "FILE", requires = "freeze")]
    journal: Option<PathBuf>,
    /// Thaw after N seconds, whatever is going on: a backup that takes longer is crash-consistent
    #[arg(long, value_name = "N", requires = "freeze", default_value_t = 600, value_parser = seconds())]
    lease_s: u64,
    /// Kill a program that runs for longer than N seconds, with all that it started
    #[arg(long, value_name = "N", requires = "freeze", default_value_t = 10, value_parser = seconds())]
    program_timeout_s: u64,
}

/// At least a second and at most a day: anything longer is a mistake in the unit.
fn seconds() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=24 * 60 * 60)
}

impl QuiesceOptions {
    /// Whether there are applications to freeze.
    pub(crate) fn are_given(&self) -> bool {
        !self.freeze.is_empty() || !self.thaw.is_empty()
    }

    /// Opens the journal and begins to thaw what an earlier process left frozen. None if there is nothing to freeze.
    ///
    /// Must be called within the runtime: the coordinator thaws there in the background.
    pub(super) fn open(&self) -> anyhow::Result<Option<Coordinator>> {
        if self.are_given() { self.coordinator().map(Some) } else { Ok(None) }
    }

    #[cfg(unix)]
    fn coordinator(&self) -> anyhow::Result<Coordinator> {
        let programs =
            Programs::parse(&self.freeze, &self.thaw).map_err(|error| UsageError(format!("--freeze: {error}")))?;
        let programs = programs.with_timeout(Duration::from_secs(self.program_timeout_s));
        let settings = Settings { lease: Duration::from_secs(self.lease_s), ..programs.settings() };
        let journal = match &self.journal {
            Some(file) => file.clone(),
            None => default_journal().context("the journal cannot be kept; name a file with --journal")?,
        };
        Ok(Coordinator::open(journal, Arc::new(programs), settings)?)
    }

    #[cfg(not(unix))]
    fn coordinator(&self) -> anyhow::Result<Coordinator> {
        Err(UsageError("--freeze runs programs in process groups, which only Unix has".into()).into())
    }
}
