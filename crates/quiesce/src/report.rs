//! What is known of a freeze while it lasts, and what is reported at its end.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::now;

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
    /// How far a backup had come while everything stood still.
    pub backup: Backup,
    /// Why not everything stood still until the thaw, although its holder thawed: somebody else thawed, or the end of a
    /// program failed that held.
    pub disturbed: Option<String>,
}

/// How far a backup has come while everything stands still. What happens before and afterwards counts for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backup {
    /// No backup has begun.
    #[default]
    NotBegun,
    /// One was about to be started, and the agent has not said that it has what it needs.
    Begun,
    /// The agent has said so: what the applications do from now on is not in the backup.
    Captured,
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
    /// What was frozen did not stand still any more: a holder ended by itself.
    LetGo,
    /// A signal that ends this process. Carries its number.
    Signal(i32),
    /// The process that held it was gone. The next one found it in the journal.
    Recovered,
}

/// What a backup that was taken meanwhile is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The applications stood still from before the backup began until the agent had what it needed.
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
    /// Since when it is at this stage, by the monotonic clock.
    pub since: Instant,
    /// How often the thaw was tried in vain.
    pub attempts: u32,
    /// What went wrong so far, as in [`Report::failures`]. The last is what the latest thaw said.
    pub failures: Vec<String>,
    /// What the thaw is waiting for: the program that runs, the file system, or the end of a freeze.
    pub waits_for: Option<Arc<str>>,
    /// As in [`Report::backup`].
    pub backup: Backup,
    /// Which of this coordinator's freezes it is.
    pub(crate) number: u64,
}

/// Something is still frozen, and [`Settings::give_up`](super::Settings::give_up) has passed. The journal says so, and the
/// next process that opens it thaws.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("given up: {0}")]
pub struct StillFrozen(pub Status);

impl Report {
    /// What a backup is worth that was taken between this freeze and its end.
    pub fn consistency(&self) -> Consistency {
        let reason = match (&self.disturbed, self.backup, self.ended_by) {
            (Some(why), ..) => why.clone(),
            (None, Backup::Captured, _) => return Consistency::Application,
            (None, Backup::NotBegun, EndedBy::Thaw) => "no backup was begun while everything stood still".to_owned(),
            (None, Backup::Begun, EndedBy::Thaw) => {
                "thawed before the agent said that it had what it needed".to_owned()
            }
            (None, _, EndedBy::FreezeFailed) => {
                let why = self.failures.first().map_or("", String::as_str);
                format!("{}: {why}", self.ended_by)
            }
            (
                None,
                _,
                EndedBy::Dropped | EndedBy::LeaseEnded | EndedBy::LetGo | EndedBy::Signal(_) | EndedBy::Recovered,
            ) => self.ended_by.to_string(),
        };
        Consistency::Crash { reason }
    }
}

impl Status {
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
            Self::LetGo => "what was frozen did not stand still any more",
            Self::Signal(signal) => return write!(f, "signal {signal} ended it"),
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

impl fmt::Display for Status {
    /// What an operator needs who finds that something does not thaw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} for {} s", self.holder, self.stage, now().saturating_duration_since(self.since).as_secs())?;
        if let Some(what) = &self.waits_for {
            write!(f, ", waiting for {what}")?;
        }
        match self.failures.last() {
            Some(why) => write!(f, ", tried {} times in vain: {why}", self.attempts),
            None => Ok(()),
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

    fn report_of(ended_by: EndedBy) -> Report {
        Report {
            holder: "n".into(),
            frozen: Duration::ZERO,
            ended_by,
            attempts: 1,
            failures: Vec::new(),
            backup: Backup::NotBegun,
            disturbed: None,
        }
    }

    #[test]
    fn a_freeze_without_a_backup_makes_none_consistent() {
        let label = "crash-consistent: no backup was begun while everything stood still";
        assert_eq!(report_of(EndedBy::Thaw).consistency().to_string(), label);
    }

    #[test]
    fn only_a_freeze_that_lasted_until_the_agent_had_what_it_needed_makes_a_backup_application_consistent() {
        for (ended_by, label) in [
            (EndedBy::Thaw, "crash-consistent: thawed before the agent said that it had what it needed"),
            (EndedBy::LetGo, "crash-consistent: what was frozen did not stand still any more"),
            (EndedBy::Dropped, "crash-consistent: its holder was gone"),
            (EndedBy::LeaseEnded, "crash-consistent: the lease ended"),
            (EndedBy::FreezeFailed, "crash-consistent: the freeze failed: no space"),
            (EndedBy::Signal(15), "crash-consistent: signal 15 ended it"),
            (EndedBy::Recovered, "crash-consistent: its process was gone"),
        ] {
            let failures = vec!["no space".into()];
            let mut report = Report { backup: Backup::Begun, ..report_of(ended_by) };
            report.failures = failures;
            assert_eq!(report.consistency().to_string(), label);
            // What happens when the agent has what it needs is not in the backup.
            report.backup = Backup::Captured;
            assert_eq!(report.consistency(), Consistency::Application);
            report.disturbed = Some("/data had been thawed by somebody else".into());
            let label = "crash-consistent: /data had been thawed by somebody else";
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
