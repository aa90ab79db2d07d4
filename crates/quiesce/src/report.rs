//! What is known of a freeze while it lasts, and what is reported at its end.

use std::fmt;
use std::time::Duration;

/// How a freeze ended. Made when all is thawed again, never before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Who had frozen.
    pub holder: String,
    /// From before the freeze until after the thaw that worked. Of a recovered freeze, by the clock in the journal.
    pub frozen: Duration,
    /// What ended it.
    pub ended_by: EndedBy,
    /// How often the thaw was tried; the last one worked.
    pub attempts: u32,
    /// What went wrong, oldest first: the freeze, thaws, the journal. The first seven and the latest.
    pub failures: Vec<String>,
}

/// What ended a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndedBy {
    /// Its holder thawed.
    Thaw,
    /// Its holder was gone: it returned, failed or was cancelled without a thaw.
    Dropped,
    /// The lease ended, and the holder had not thawed.
    LeaseEnded,
    /// The freeze failed or took too long.
    FreezeFailed,
    /// The process that held it was gone. The next one found it in the journal.
    Recovered,
}

/// What a backup that was taken meanwhile is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The applications stood still until the holder thawed them.
    Application,
    /// They ran, or may have: the backup is what a power cut would have left. Carries the reason.
    Crash {
        /// Why.
        reason: String,
    },
}

/// How far a freeze has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The freeze was asked for and has not worked yet.
    Freezing,
    /// All applications stand still.
    Frozen,
    /// The thaw was asked for and has not worked yet.
    Thawing,
}

/// A freeze that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Who froze.
    pub holder: String,
    /// How far it has come.
    pub stage: Stage,
    /// How often the thaw was tried in vain.
    pub attempts: u32,
    /// What went wrong so far, as in [`Report::failures`].
    pub failures: Vec<String>,
}

impl Report {
    /// What a backup is worth that was taken between this freeze and its end.
    pub fn consistency(&self) -> Consistency {
        match self.ended_by {
            EndedBy::Thaw => Consistency::Application,
            EndedBy::FreezeFailed => {
                let why = self.failures.first().map_or("", String::as_str);
                Consistency::Crash { reason: format!("{}: {why}", self.ended_by) }
            }
            EndedBy::Dropped | EndedBy::LeaseEnded | EndedBy::Recovered => {
                Consistency::Crash { reason: self.ended_by.to_string() }
            }
        }
    }
}

impl Status {
    pub(super) fn new(holder: &str, stage: Stage) -> Self {
        Self { holder: holder.to_owned(), stage, attempts: 0, failures: Vec::new() }
    }

    /// Keeps the failure, and no more than [`MAX_FAILURES`].
    pub(super) fn note(&mut self, failure: String) {
        if self.failures.len() == MAX_FAILURES {
            self.failures.pop();
        }
        self.failures.push(failure);
    }
}

impl fmt::Display for EndedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Thaw => "thawed by its holder",
            Self::Dropped => "its holder was gone",
            Self::LeaseEnded => "the lease ended",
            Self::FreezeFailed => "the freeze failed",
            Self::Recovered => "its process was gone",
        })
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application => f.write_str("application-consistent"),
            Self::Crash { reason } => write!(f, "crash-consistent: {reason}"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Freezing => "its applications are being frozen",
            Self::Frozen => "its applications are frozen",
            Self::Thawing => "its applications are being thawed",
        })
    }
}

/// Eight: a thaw may fail for days, and the first failures and the latest say why.
const MAX_FAILURES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_freeze_that_lasted_until_its_holder_thawed_makes_a_backup_application_consistent() {
        for (ended_by, label) in [
            (EndedBy::Thaw, "application-consistent"),
            (EndedBy::Dropped, "crash-consistent: its holder was gone"),
            (EndedBy::LeaseEnded, "crash-consistent: the lease ended"),
            (EndedBy::FreezeFailed, "crash-consistent: the freeze failed: no space"),
            (EndedBy::Recovered, "crash-consistent: its process was gone"),
        ] {
            let failures = vec!["no space".into()];
            let report = Report { holder: "n".into(), frozen: Duration::ZERO, ended_by, attempts: 1, failures };
            assert_eq!(report.consistency().to_string(), label);
        }
    }

    #[test]
    fn of_many_failures_the_first_and_the_latest_are_kept() {
        let mut status = Status::new("nightly", Stage::Thawing);
        (0..100).for_each(|n| status.note(n.to_string()));
        assert_eq!(status.failures, ["0", "1", "2", "3", "4", "5", "6", "99"]);
    }
}
