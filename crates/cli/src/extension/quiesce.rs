//! `--freeze` and `--thaw`: the operator's programs, and the journal that outlives this process.

use std::env;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::quiesce::{Coordinator, Programs, Settings};
use anyhow::Context;
use clap::Args;

use crate::error::UsageError;

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

/// A day at most: who types more has mistaken the unit.
fn seconds() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=24 * 60 * 60)
}

impl QuiesceOptions {
    /// Whether anything is to be frozen.
    pub(crate) fn are_given(&self) -> bool {
        !self.freeze.is_empty() || !self.thaw.is_empty()
    }

    /// Opens the journal, if there is something to freeze. To be called in a runtime, which thaws in the background.
    pub(crate) fn open(&self) -> anyhow::Result<Option<Coordinator>> {
        if self.are_given() { self.coordinator().map(Some) } else { Ok(None) }
    }

    #[cfg(unix)]
    fn coordinator(&self) -> anyhow::Result<Coordinator> {
        let programs =
            Programs::parse(&self.freeze, &self.thaw).map_err(|why| UsageError(format!("--freeze: {why}")))?;
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

/// One for the machine's user: its applications are frozen by one run at a time.
fn default_journal() -> anyhow::Result<PathBuf> {
    let journal = journal_in(|name| env::var_os(name)).context("neither XDG_STATE_HOME nor HOME is set")?;
    let dir = journal.parent().unwrap_or(Path::new("."));
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    Ok(journal)
}

/// The XDG base directory specification: a relative path is ignored.
fn journal_in(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|dir| dir.is_absolute());
    let states = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    states.map(|states| states.join("agentapi/quiesce.jsonl"))
}

#[cfg(test)]
mod tests {
    use super::journal_in;

    #[test]
    fn the_journal_is_where_the_platform_keeps_state() {
        let found = |variables: &[(&str, &str)]| {
            journal_in(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
        };
        let home = ("HOME", "/home/me");
        assert_eq!(found(&[("XDG_STATE_HOME", "/states"), home]), Some("/states/agentapi/quiesce.jsonl".into()));
        let default = Some("/home/me/.local/state/agentapi/quiesce.jsonl".into());
        assert_eq!(found(&[("XDG_STATE_HOME", "relative"), home]), default);
        assert_eq!(found(&[]), None);
    }
}
