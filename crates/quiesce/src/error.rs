//! Why nothing was frozen or thawed, in the cases of `felhom:agentapi/quiesce`.

use std::error::Error;
use std::path::PathBuf;
use std::time::SystemTime;
use std::{fmt, io};

use crate::report::Stage;

/// Why a freeze or thaw did not happen: one variant for each case of `quiesce-error` in `wit/quiesce.wit`.
#[derive(Debug, thiserror::Error)]
pub enum QuiesceError {
    /// A rule forbids it, or there is nothing to freeze. Carries which. For those who check grants: a coordinator never
    /// says so.
    #[error("denied: {0}")]
    Denied(String),
    /// Another run holds the freeze, or what it froze is not thawed yet.
    #[error("{holder} holds the freeze: {stage}")]
    Busy {
        /// The name of that run.
        holder: String,
        /// How far it has come.
        stage: Stage,
    },
    /// This run has frozen already, and that is not thawed yet.
    #[error("this run has frozen already")]
    AlreadyFrozen,
    /// There is nothing of this run to thaw.
    #[error(transparent)]
    NotFrozen(#[from] NotFrozen),
    /// The controller's freeze or thaw failed.
    #[error("{step}")]
    Failed {
        /// What failed, and what is done about it.
        step: Step,
        /// The cause.
        source: QuiesceFailure,
    },
}

/// Why there is nothing to thaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFrozen {
    /// This run has frozen nothing.
    #[error("this run has frozen nothing")]
    Never,
    /// This run has been told already how its freeze ended.
    #[error("this run has thawed already")]
    Thawed,
}

/// What failed, and what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Finding out what is to be frozen. Nothing was frozen.
    Prepare,
    /// The lock that keeps two journals from freezing the same cannot be used. Nothing was frozen.
    Lock,
    /// The thaw fails where nothing is frozen. Nothing was frozen.
    Trial,
    /// The journal cannot be written. Nothing was frozen.
    Journal,
    /// The freeze. All is thawed again.
    Freeze,
    /// The freeze, and the thaw after it has not worked yet. It is tried until it does.
    FreezeThenThaw,
    /// The thaw has not worked yet. It is tried until it does.
    Thaw,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "nothing was frozen: what is to be frozen was not found",
            Self::Lock => "nothing was frozen: the lock for it cannot be used",
            Self::Trial => "nothing was frozen: the thaw fails where nothing is frozen",
            Self::Journal => "nothing was frozen: the journal cannot be written",
            Self::Freeze => "the freeze failed; all is thawed again",
            Self::FreezeThenThaw => {
                "the freeze failed, and the thaw after it has not worked yet; it is tried until it does"
            }
            Self::Thaw => "the thaw has not worked yet; it is tried until it does",
        })
    }
}

/// Why the controller's freeze or thaw failed. Its text may hold what a program printed: escape it before printing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct QuiesceFailure(Box<dyn Error + Send + Sync>);

impl QuiesceFailure {
    /// A failure with this cause: an error, or a text.
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }

    /// The failure and all its causes in one line.
    pub fn chain(&self) -> String {
        error_chain(&*self.0)
    }
}

/// The error and all its causes in one line, separated by colons: what is printed or logged where there is one line for
/// it. The only place that does this, so that a cause is never printed twice.
pub fn error_chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Why a coordinator cannot be opened. Without it nothing is frozen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another coordinator has this journal open, in this process or another one.
    #[error("the journal {} is in use by another process{}", file.display(), held_by(holder.as_deref(), *since))]
    InUse {
        /// The journal.
        file: PathBuf,
        /// Who has frozen, if anybody has.
        holder: Option<String>,
        /// Since when, by the clock, as the journal says.
        since: Option<SystemTime>,
    },
    /// The file cannot be read or written.
    #[error("the journal {} cannot be used", file.display())]
    Unusable {
        /// The journal.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file is something else, and is left as it is.
    #[error("{} is not a journal of what is frozen, and is left as it is", file.display())]
    NotAJournal {
        /// The file.
        file: PathBuf,
    },
    /// The journal says that something is frozen, and this process was not given what thaws it. All else that the journal
    /// recorded has been thawed, and the journal still says `frozen`.
    #[error("the journal {} says that {holder} has frozen, and to thaw that it takes {needed}", file.display())]
    NotGiven {
        /// The journal.
        file: PathBuf,
        /// Who has frozen.
        holder: String,
        /// Which applications must be given to whoever is to thaw.
        needed: String,
    },
    /// The threads that thaw cannot be started.
    #[error("no threads to thaw with")]
    NoThreads(#[source] io::Error),
}

fn held_by(holder: Option<&str>, since: Option<SystemTime>) -> String {
    // A clock that was set back is no reason to say nothing.
    let seconds = since.map(|since| since.elapsed().unwrap_or_default().as_secs());
    let time = seconds.map_or_else(String::new, |seconds| format!(", for {seconds} s now"));
    holder.map_or_else(String::new, |holder| format!(", where {holder} holds the freeze{time}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_each_error_says_what_is_done_about_it() {
        let failed = |step| QuiesceError::Failed { step, source: QuiesceFailure::new("because") };
        let busy = QuiesceError::Busy { holder: "nightly".into(), stage: Stage::Thawing };
        for (error, text) in [
            (QuiesceError::Denied("quiesce.freeze".into()), "denied: quiesce.freeze"),
            (busy, "nightly holds the freeze: its applications are being thawed"),
            (QuiesceError::AlreadyFrozen, "this run has frozen already"),
            (NotFrozen::Never.into(), "this run has frozen nothing"),
            (NotFrozen::Thawed.into(), "this run has thawed already"),
            (failed(Step::Prepare), "nothing was frozen: what is to be frozen was not found: because"),
            (failed(Step::Lock), "nothing was frozen: the lock for it cannot be used: because"),
            (failed(Step::Trial), "nothing was frozen: the thaw fails where nothing is frozen: because"),
            (failed(Step::Journal), "nothing was frozen: the journal cannot be written: because"),
            (failed(Step::Freeze), "the freeze failed; all is thawed again: because"),
            (
                failed(Step::FreezeThenThaw),
                "the freeze failed, and the thaw after it has not worked yet; it is tried until it does: because",
            ),
            (failed(Step::Thaw), "the thaw has not worked yet; it is tried until it does: because"),
        ] {
            assert_eq!(error_chain(&error), text);
        }
    }
}
