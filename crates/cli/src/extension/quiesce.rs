//! What goes with the applications of a run: the journal, the lease, and how long a thaw is waited for.

use std::path::PathBuf;
use std::time::Duration;

use agentapi_host::quiesce::{Coordinator, Settings};
use anyhow::Context;
use clap::Args;

use crate::extension::applications::{APPLICATIONS, ApplicationOptions, seconds};
use crate::extension::journal::journal_of_this_user;
use crate::extension::thaw::{ThawWait, journal_error};

/// The applications that an extension may freeze, and for how long.
#[derive(Args)]
#[command(next_help_heading = "Applications")]
pub(crate) struct QuiesceOptions {
    #[command(flatten)]
    pub(crate) applications: ApplicationOptions,
    /// Remember in FILE what is frozen [default: agentapi/quiesce.jsonl in $XDG_STATE_HOME or ~/.local/state]
    ///
    /// Written before the freeze. After a crash or a power cut, the next run with the same file thaws first, and so does
    /// `agentapi thaw`.
    #[arg(long, value_name = "FILE", requires = APPLICATIONS)]
    journal: Option<PathBuf>,
    /// Thaw after N seconds, whatever is going on: a backup that takes longer is crash-consistent
    ///
    /// For a run that hangs: one that ends thaws by itself. Without this option: 600 seconds, and in `backup run` with
    /// `--thaw-on end` as long as the backup may be followed (--give-up-after-s and --patience-s) and a minute more.
    #[arg(long, value_name = "N", requires = APPLICATIONS, value_parser = seconds())]
    lease_s: Option<u64>,
    /// Give up waiting for a thaw that does not work after N seconds, and end with status 7
    ///
    /// The journal then says that something is frozen: `agentapi thaw`, or the next run with the same journal, thaws it.
    #[arg(long, value_name = "N", requires = APPLICATIONS, value_parser = seconds())]
    thaw_give_up_s: Option<u64>,
}

/// The lease of a run that says nothing else, and of a backup that is thawed as soon as it runs: as long as an extension
/// may run by default, and far longer than a snapshot takes to begin.
pub(crate) const SHORT_LEASE: Duration = Duration::from_secs(600);
/// How long a thaw may take beyond the time of its programs before the run is reported without it.
const SLACK: Duration = Duration::from_secs(10);

impl QuiesceOptions {
    /// Opens the journal and begins to thaw what an earlier process left frozen. None if there is nothing to freeze.
    /// `lease` is the one of a command line without `--lease-s`.
    pub(super) fn open(&self, lease: Duration) -> anyhow::Result<Option<ThawWait>> {
        if self.applications.are_given() { self.coordinator(lease).map(Some) } else { Ok(None) }
    }

    fn coordinator(&self, lease: Duration) -> anyhow::Result<ThawWait> {
        let applications = self.applications.applications()?;
        let give_up = self.thaw_give_up_s.map(Duration::from_secs);
        // The report of the run waits as long, so not longer than all programs may take once.
        let patience = (self.applications.time_to_thaw() + SLACK).min(give_up.unwrap_or(Duration::MAX));
        let settings = Settings {
            lease: self.lease_s.map_or(lease, Duration::from_secs),
            give_up,
            thaw_wait: patience,
            ..applications.settings()
        };
        let journal = match &self.journal {
            Some(file) => file.clone(),
            None => journal_of_this_user().context("the journal cannot be kept; name a file with --journal")?,
        };
        let coordinator = Coordinator::open(&journal, applications, settings).map_err(journal_error)?;
        Ok(ThawWait::new(coordinator, journal, patience))
    }
}
