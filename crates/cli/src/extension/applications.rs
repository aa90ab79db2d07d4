//! `--freeze-fs`, `--hold`, `--freeze` and `--thaw`: what is frozen, in the order in which it is typed.

use std::convert::Infallible;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agentapi_host::quiesce::{Application, Applications, Program, ProgramsError};
use clap::builder::RangedU64ValueParser;
use clap::{ArgGroup, Args};

use crate::error::UsageError;

/// What is frozen for a backup, and how: in the order in which it is typed, and thawed in reverse.
#[derive(Args)]
#[command(next_help_heading = "Applications")]
#[command(group(ArgGroup::new(APPLICATIONS).multiple(true).args(["freeze_fs", "hold", "freeze"])))]
pub(crate) struct ApplicationOptions {
    /// Freeze the file system that is mounted here, such as /data; again for more
    ///
    /// Needs root. The journal may lie there: it is not written while it is frozen. An audit, a standard output or a
    /// standard error that is a file there is refused: its lines would wait in memory until the thaw, and be lost in a
    /// crash.
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
    /// then run again when that time has passed once more. What lives in a session (pg_backup_start, FLUSH TABLES WITH READ
    /// LOCK) is over when its client ends: hold it with --hold.
    #[arg(long, value_name = "PROGRAM", value_parser = typed)]
    freeze: Vec<Typed>,
    /// Program that thaws it: one for each --freeze, in the same order
    ///
    /// Run until it ends with status 0, so it must do so where nothing is frozen, too: that is tried before the first
    /// freeze.
    #[arg(long, value_name = "PROGRAM")]
    thaw: Vec<String>,
    /// Kill a program that runs for longer than N seconds, with all that it started
    #[arg(long, value_name = "N", requires = APPLICATIONS, default_value_t = 30, value_parser = seconds())]
    program_timeout_s: u64,
}

/// What other options are about: without one of these they would silently have no effect.
pub(super) const APPLICATIONS: &str = "applications";

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
pub(crate) fn seconds() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=24 * 60 * 60)
}

impl ApplicationOptions {
    /// Whether there are applications to freeze.
    pub(crate) fn are_given(&self) -> bool {
        !(self.freeze_fs.is_empty() && self.hold.is_empty() && self.freeze.is_empty() && self.thaw.is_empty())
    }

    /// In the order in which they were typed. None of them where none is given.
    pub(crate) fn applications(&self) -> Result<Applications, UsageError> {
        if !self.are_given() {
            return Ok(Applications::none());
        }
        self.in_order().map_err(|error| UsageError(format!("--freeze: {error}")))
    }

    /// The mount points of `--freeze-fs`.
    pub(super) fn file_systems(&self) -> impl Iterator<Item = &str> {
        self.freeze_fs.iter().map(|mount| mount.text.as_str())
    }

    /// How long one attempt to thaw all programs may take, one after the other. The thaw of a file system takes no time
    /// that counts, or cannot be waited for.
    pub(super) fn time_to_thaw(&self) -> Duration {
        let programs = u32::try_from(self.hold.len() + self.freeze.len()).unwrap_or(u32::MAX);
        Duration::from_secs(self.program_timeout_s).saturating_mul(programs)
    }

    /// The freeze programs that `--freeze-fs` knows more than.
    pub(super) fn file_system_programs(&self) -> impl Iterator<Item = &str> {
        self.freeze.iter().map(|program| program.text.as_str()).filter(|line| freezes_a_file_system(line))
    }

    fn in_order(&self) -> Result<Applications, ProgramsError> {
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

/// Whether this program does by words what `--freeze-fs` does by a system call, whose errors are exact.
fn freezes_a_file_system(line: &str) -> bool {
    let first = line.split_ascii_whitespace().next().unwrap_or_default();
    let name = Path::new(first).file_name().unwrap_or_default();
    name == "fsfreeze" || name == "xfs_freeze"
}

#[cfg(test)]
mod tests {
    use super::freezes_a_file_system;

    #[test]
    fn programs_that_freeze_a_file_system_are_known_by_their_names() {
        for line in ["fsfreeze -f /data", "/sbin/fsfreeze --freeze /data", "xfs_freeze -f /data"] {
            assert!(freezes_a_file_system(line), "{line}");
        }
        for line in ["docker pause fsfreeze", "", "fsfreezer -f /data", "sh -c 'fsfreeze -f /data'"] {
            assert!(!freezes_a_file_system(line), "{line}");
        }
    }
}
