//! The backup loop that comes with the library: the extension in `extensions/backup-loop`, its input and its report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::policy::error::LoadError;
use crate::policy::extension::Policy;
use crate::policy::grants::{FUNCTIONS, Grants};
use crate::policy::limits::Limits;

/// The component, as the build script placed it.
const WASM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/backup_loop.wasm"));
/// The extension's name, as the holder of a freeze and in the audit.
const NAME: &str = "backup-loop";
/// Longer than any backup is followed: [`BackupLoop::give_up_after_s`] is the limit that a caller sets.
const MAX_WALL: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Far more than the polls of a week compute, and still an end for a loop that runs away.
const MAX_CPU: Duration = Duration::from_secs(60 * 60);

impl Host {
    /// Loads the backup loop, an extension: due? freeze, start, follow, thaw, report. Its input is
    /// [`BackupLoop::input`]; its result is read by [`BackupReport::parse`].
    ///
    /// It is granted the interfaces `backup` and `quiesce`, and no other. Its limits are wide, because it waits for
    /// hours and asks and prints often.
    ///
    /// Blocks while it is compiled, some 100 ms, or 1 ms where the cache has it; see
    /// [`load_policy`](Self::load_policy).
    ///
    /// # Errors
    ///
    /// [`LoadError::Component`] when the engine does not run it, and [`LoadError::NotCompiled`] when what compiles it
    /// fails or exceeds [`LoadLimits`](crate::loader::LoadLimits).
    pub fn backup_loop(&self) -> Result<Policy, LoadError> {
        let needed = FUNCTIONS.iter().filter(|function| matches!(function.interface(), "backup" | "quiesce"));
        let grants = Grants::of(needed.copied());
        // Calls and log have no limit: they depend on how long the backup takes, which nobody knows in advance.
        let limits =
            Limits { wall: MAX_WALL, cpu: MAX_CPU, agent_calls: u64::MAX, log_bytes: usize::MAX, ..Limits::default() };
        self.load_policy_bytes(NAME, WASM, &grants, &limits)
    }
}

/// What the backup loop is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackupLoop {
    /// Back up even if the agent says that none is due. No by default.
    pub even_if_not_due: bool,
    /// Freeze the controller's applications meanwhile. Yes by default.
    pub freeze: bool,
    /// What to do where they cannot be frozen. No backup by default.
    pub on_freeze_failure: OnFreezeFailure,
    /// When to thaw them. When the backup has ended by default.
    pub thaw_on: ThawOn,
    /// The shortest pause between two requests for the status, in milliseconds. A second by default. Pauses grow to half a
    /// minute, so that a backup of two hours is asked for some 300 times.
    pub poll_ms: u64,
    /// How long a status is waited for that does not come, or that shows no backup after a start whose answer was lost, in
    /// seconds. Five minutes by default.
    pub patience_s: u64,
    /// How long a backup is followed, in seconds. Four hours by default.
    pub give_up_after_s: u64,
}

/// What is done where the applications cannot be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OnFreezeFailure {
    /// No backup.
    Abort,
    /// A backup that is crash-consistent, and says so.
    Continue,
}

/// When the applications are thawed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ThawOn {
    /// When the backup has ended.
    End,
    /// When it runs: for hosts whose backups take a snapshot first.
    Running,
}

impl Default for BackupLoop {
    fn default() -> Self {
        Self {
            even_if_not_due: false,
            freeze: true,
            on_freeze_failure: OnFreezeFailure::Abort,
            thaw_on: ThawOn::End,
            poll_ms: 1000,
            patience_s: 5 * 60,
            give_up_after_s: 4 * 60 * 60,
        }
    }
}

impl BackupLoop {
    /// The input of [`Policy::run`].
    ///
    /// # Errors
    ///
    /// Never in practice: these values always have a JSON text.
    pub fn input(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The report of a run of the backup loop.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct BackupReport {
    /// How it ended.
    pub outcome: BackupOutcome,
    /// The backup's name; empty where none was started.
    pub job_id: String,
    /// Why, in words; empty where the outcome says it all.
    pub reason: String,
    /// The call that failed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CallFailure>,
    /// How consistent the backup is: `application`, or `crash` with a reason; none where none was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<String>,
    /// Why it is not application-consistent; empty where it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consistency_reason: String,
}

/// How a run of the backup loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BackupOutcome {
    /// The backup worked.
    Done,
    /// The backup failed; the reason is the agent's.
    Failed,
    /// No backup is due.
    NotDue,
    /// A backup was running before this run: it was left alone.
    AlreadyRunning,
    /// Another run holds the freeze.
    Busy,
    /// The freeze failed, so nothing was started.
    NotFrozen,
    /// No backup was started.
    NotStarted,
    /// Nobody knows whether one was started: the answer to the start was lost, and within [`BackupLoop::patience_s`] the
    /// status showed none.
    Unknown,
    /// It was started, and the agent no longer reports on it.
    Lost,
    /// It was started, and was not done within [`BackupLoop::give_up_after_s`].
    StillRunning,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[non_exhaustive]
pub struct CallFailure {
    /// The function, such as `backup.start`.
    pub call: String,
    /// The kind of error.
    pub kind: String,
    /// The error's own text; empty where the kind says it all.
    pub message: String,
}

impl BackupReport {
    /// Reads the result of [`Policy::run`].
    ///
    /// # Errors
    ///
    /// When it is not the report of a backup loop.
    pub fn parse(result: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(result)
    }
}

#[cfg(test)]
mod tests {
    use super::{BackupLoop, BackupOutcome, BackupReport};

    #[test]
    fn the_input_has_the_extensions_own_names() {
        let input = BackupLoop::default().input().unwrap();
        let expected = r#"{"even_if_not_due":false,"freeze":true,"on_freeze_failure":"abort","thaw_on":"end","poll_ms":1000,"patience_s":300,"give_up_after_s":14400}"#;
        assert_eq!(input, expected);
    }

    #[test]
    fn a_report_is_read_whole() {
        let text = r#"{"outcome":"still-running","job_id":"bk-1","reason":"not done after 1 s","error":{"call":"backup.status","kind":"deadline","message":""},"consistency":"crash","consistency_reason":"the lease ended"}"#;
        let report = BackupReport::parse(text).unwrap();
        assert_eq!((report.outcome, report.job_id.as_str()), (BackupOutcome::StillRunning, "bk-1"));
        assert_eq!(report.consistency.as_deref(), Some("crash"));
        assert_eq!(serde_json::to_string(&report).unwrap(), text);
    }
}
