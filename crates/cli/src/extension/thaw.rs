//! Waiting for a thaw: of what an earlier process left frozen, before a run, and of its own, after it.
//!
//! A thaw that works needs no words. One that does not is told on stderr, again and again with growing pauses: what is
//! waited for, since when, with which program, and that program's last words. The first signal never leaves something
//! frozen behind, a second one does.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agentapi_host::quiesce::{Coordinator, JournalError, Leftover, Report, Stage, Status, ThawError};
use anyhow::Error;
use tokio::time::{sleep, timeout};

use crate::error::CommandError;
use crate::extension::tell::tell;
use crate::print::escape::visible;
use crate::process::signals::Termination;
use crate::process::stderr::stderr;
use crate::status::ExitStatus;

/// A coordinator whose thaws are waited for.
pub(crate) struct ThawWait {
    pub(crate) coordinator: Coordinator,
    journal: PathBuf,
    /// How long a thaw may take before it is told that it does not work.
    patience: Duration,
    /// The last report of before the run.
    earlier: Option<Report>,
}

/// Waits until what a process that is gone left frozen is thawed, says what it waits for, and returns how that ended: none
/// where another process has thawed it first. Standard error is to be parked meanwhile: it may lie on what is frozen.
pub(crate) async fn finish(
    leftover: Leftover,
    journal: &Path,
    termination: &mut Termination,
) -> anyhow::Result<Option<Report>> {
    let wait = ThawWait::new(leftover.coordinator().clone(), journal.to_owned(), PATIENCE_WITH_A_LEFTOVER);
    wait.settle(termination).await;
    wait.until_thawed(termination).await?;
    leftover.report().map_err(|why| match why {
        ThawError::Journal(why) => journal_error(why),
        why => why.into(),
    })
}

/// What has become of a freeze when its run has ended.
pub(crate) enum Freeze {
    /// The run froze nothing.
    Nothing,
    /// All runs again.
    Thawed(Report),
    /// The thaw has not worked yet.
    Thawing(Status),
}

impl ThawWait {
    pub(crate) fn new(coordinator: Coordinator, journal: PathBuf, patience: Duration) -> Self {
        Self { coordinator, journal, patience, earlier: None }
    }

    /// Waits until what an earlier process left frozen is thawed, which was begun when the coordinator was opened.
    pub(super) async fn thaw_leftover(&mut self, termination: &mut Termination) -> anyhow::Result<()> {
        let recovering = self.coordinator.status().map(|status| status.holder);
        // It may have worked already.
        let holder = recovering.or_else(|| self.coordinator.last_report().map(|report| report.holder));
        if let Some(holder) = holder {
            tell(&format!("an earlier run was ended while it was frozen: thawing what {} left", visible(&holder)));
            self.settle(termination).await;
            self.until_thawed(termination).await?;
        }
        self.earlier = self.coordinator.last_report();
        Ok(())
    }

    /// Waits a while for a thaw that may work, or until a signal asks to end.
    pub(crate) async fn settle(&self, termination: &mut Termination) {
        let Some(status) = self.coordinator.status() else { return };
        // The extension has waited as long already if it has thawed itself.
        let waited = if status.stage == Stage::Thawing { status.since.elapsed() } else { Duration::ZERO };
        tokio::select! {
            _ = timeout(self.patience.saturating_sub(waited), self.coordinator.idle()) => {}
            _ = termination.recv() => {}
        }
    }

    /// Waits until nothing is frozen, and says what it waits for. Ends with an error when the time is over in which a thaw
    /// is tried, and when two signals have come since the start of the command.
    pub(crate) async fn until_thawed(&self, termination: &mut Termination) -> anyhow::Result<()> {
        let (mut explained, mut pause) = (None, FIRST_PAUSE);
        while let Some(status) = self.coordinator.status() {
            let received = termination.received();
            if received >= SIGNALS_TO_END {
                return Err(self.still_frozen(&format!("interrupted: {status}")));
            }
            // Where the time is over already there is nothing to be explained.
            if let Ok(thawed) = timeout(Duration::ZERO, self.coordinator.idle()).await {
                thawed.map_err(|still| self.still_frozen(&still))?;
                break;
            }
            tell(&format!("not thawed yet: {}", visible(&status.to_string())));
            if explained.replace(received) != Some(received) {
                let how = if received == 0 { "a second signal (Ctrl-C twice)" } else { "another signal" };
                tell(&format!("it is tried until it works; {how} ends this command without it"));
            }
            tokio::select! {
                thawed = self.coordinator.idle() => thawed.map_err(|still| self.still_frozen(&still))?,
                _ = termination.recv() => {}
                () = sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
        if explained.is_some() {
            tell("thawed");
        }
        Ok(())
    }

    /// What has become of the freeze of the run.
    pub(super) fn freeze(&self) -> Freeze {
        if let Some(status) = self.coordinator.status() {
            return Freeze::Thawing(status);
        }
        let last = self.coordinator.last_report().filter(|report| Some(report) != self.earlier.as_ref());
        last.map_or(Freeze::Nothing, Freeze::Thawed)
    }

    fn still_frozen(&self, why: &dyn fmt::Display) -> Error {
        let (why, journal) = (why.to_string(), self.journal.display().to_string());
        let text = format!(
            "{}; something may be frozen still: `agentapi thaw --journal {}` thaws it, and so does the next run with that \
             journal",
            visible(&why),
            visible(&journal)
        );
        // What it says must not be written to a disk by this process, which would then wait for the thaw.
        stderr().park().for_good();
        CommandError::new(text).with_status(ExitStatus::Frozen).into()
    }
}

/// The error of a journal that cannot be used. One that does not say how to thaw what it says is frozen is not only a
/// failure: something may be frozen, and a person has to say how.
pub(crate) fn journal_error(error: JournalError) -> Error {
    if matches!(error, JournalError::InUse { .. } | JournalError::NotGiven { .. }) {
        // Something is frozen, and nothing that this process does changes that.
        stderr().park().for_good();
    }
    match error {
        JournalError::NotGiven { .. } => {
            let text = format!(
                "{}: it is of an older version, or damaged; name what was frozen with --freeze and --thaw, as it was then",
                visible(&error.to_string())
            );
            CommandError::new(text).with_status(ExitStatus::Frozen).into()
        }
        error => error.into(),
    }
}

/// How long a thaw may take before it is told what it waits for.
const PATIENCE_WITH_A_LEFTOVER: Duration = Duration::from_secs(5);
/// The first one asks to end in order, thawed.
const SIGNALS_TO_END: u32 = 2;
/// Pauses between two words on a thaw that does not work: often enough for whoever looks on, and seldom enough for the log
/// of a night.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
