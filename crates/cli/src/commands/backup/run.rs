//! `agentapi backup run`: the backup loop, an extension that comes with the library.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{BackupLoop, BackupOutcome, BackupReport, Log, OnFreezeFailure, ThawOn};
use agentapi_host::quiesce::Report;
use anyhow::Context;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::error::SilentFailure;
use crate::extension::{self, ExtensionOptions};
use crate::print::escape::visible;
use crate::print::{print, print_json};
use crate::session::Session;
use crate::session::target::ConnectionOptions;

/// What `backup run` takes.
#[derive(Args)]
pub(crate) struct BackupRunOptions {
    /// Back up even if the agent says that none is due
    #[arg(long)]
    even_if_not_due: bool,
    /// When to thaw
    #[arg(long, value_name = "WHEN", default_value = "end")]
    thaw_on: When,
    /// What to do where the applications cannot be frozen
    #[arg(long, value_name = "WHAT", default_value = "abort")]
    on_freeze_failure: Otherwise,
    /// Ask for the status every N milliseconds
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    poll_ms: u64,
    /// Follow a backup for N seconds at most [default: 14400]
    #[arg(long, value_name = "N", default_value_t = 14_400, hide_default_value = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=6 * 24 * 60 * 60))]
    give_up_after_s: u64,
    #[command(flatten)]
    extension: ExtensionOptions,
}

/// When the applications are thawed.
#[derive(Clone, Copy, ValueEnum)]
enum When {
    /// When the backup has ended
    End,
    /// When it runs: for hosts whose backups take a snapshot first
    Running,
}

/// What is done where they cannot be frozen.
#[derive(Clone, Copy, ValueEnum)]
enum Otherwise {
    /// No backup
    Abort,
    /// A backup that is crash-consistent, and says so
    Continue,
}

/// Runs the loop once, and prints its report.
pub(crate) fn run(session: &Session, connection: ConnectionOptions, options: &BackupRunOptions) -> anyhow::Result<()> {
    let progress = Arc::new(Progress::start());
    let log = Arc::clone(&progress) as Arc<dyn Log>;
    let load = |host: &agentapi_host::Host| Ok(host.backup_loop()?.log(log));
    let ended = extension::run(session, connection, &options.extension, &settings(options).input()?, load);
    progress.end();
    let ended = ended?;
    let report = BackupReport::parse(&ended.result).context("the report cannot be read")?;
    if session.json {
        print_json(&as_json(&report, ended.frozen.as_ref()))?;
    } else {
        print(&describe(&report, ended.frozen.as_ref()))?;
    }
    if matches!(report.outcome, BackupOutcome::Done | BackupOutcome::NotDue) {
        Ok(())
    } else {
        Err(SilentFailure.into())
    }
}

fn settings(options: &BackupRunOptions) -> BackupLoop {
    let mut settings = BackupLoop::default();
    settings.even_if_not_due = options.even_if_not_due;
    settings.freeze = options.extension.quiesce.are_given();
    settings.on_freeze_failure = match options.on_freeze_failure {
        Otherwise::Abort => OnFreezeFailure::Abort,
        Otherwise::Continue => OnFreezeFailure::Continue,
    };
    settings.thaw_on = match options.thaw_on {
        When::End => ThawOn::End,
        When::Running => ThawOn::Running,
    };
    settings.poll_ms = options.poll_ms;
    settings.give_up_after_s = options.give_up_after_s;
    settings
}

fn as_json(report: &BackupReport, frozen: Option<&Report>) -> Value {
    let frozen = frozen.map(|frozen| {
        json!({
            "frozen_ms": milliseconds(frozen.frozen),
            "ended_by": frozen.ended_by.to_string(),
            "thaw_attempts": frozen.attempts,
            "failures": frozen.failures,
        })
    });
    let mut report = json!(report);
    if let Some(fields) = report.as_object_mut() {
        fields.insert("freeze".into(), frozen.unwrap_or_default());
    }
    report
}

fn describe(report: &BackupReport, frozen: Option<&Report>) -> String {
    let (job, reason) = (visible(&report.job_id), visible(&report.reason));
    let error = report.error.as_ref().map_or_else(String::new, |error| {
        let message = if error.message.is_empty() { String::new() } else { format!(": {}", visible(&error.message)) };
        format!("{} failed with {}{message}", visible(&error.call), visible(&error.kind))
    });
    let mut text = match report.outcome {
        BackupOutcome::Done => format!("Backup {job} is done.\n"),
        BackupOutcome::Failed => format!("Backup {job} failed: {reason}.\n"),
        BackupOutcome::NotDue => format!("No backup is due: {reason}.\n"),
        BackupOutcome::AlreadyRunning => format!("Backup {job} is running already: nothing was started.\n"),
        BackupOutcome::Busy => format!("Nothing was started: {reason}.\n"),
        BackupOutcome::NotFrozen => format!("Nothing was started: the applications could not be frozen: {reason}.\n"),
        BackupOutcome::NotStarted => format!("No backup was started: {error}.\n"),
        BackupOutcome::Lost => {
            format!("Backup {job} was started and is out of sight: {reason}{error}. See `agentapi backup status`.\n")
        }
        BackupOutcome::StillRunning => format!("Backup {job} is {reason}. See `agentapi backup status`.\n"),
        other => format!("{other:?}: {reason}{error}\n"),
    };
    // A String takes whatever is written to it.
    let _ = match report.consistency.as_deref() {
        Some("application") => writeln!(text, "It is application-consistent: the applications stood still."),
        Some(worth) => writeln!(text, "It is {}-consistent: {}.", visible(worth), visible(&report.consistency_reason)),
        None => Ok(()),
    };
    if let Some(frozen) = frozen {
        let (time, attempts) = (milliseconds(frozen.frozen), frozen.attempts);
        let times = if attempts == 1 { String::new() } else { format!(" at attempt {attempts}") };
        let _ = writeln!(text, "The applications were frozen for {time} ms, and thawed{times}.");
        for failure in &frozen.failures {
            let _ = writeln!(text, "  {}", visible(failure));
        }
    }
    text
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Shown below the long help.
pub(crate) const EXAMPLES: &str = r#"Examples:
  agentapi backup run --mock --freeze true --thaw true      to see it work
  agentapi backup run --freeze 'systemctl stop app' --thaw 'systemctl start app' --lease-s 1800

The thaw is run until it works, so it must succeed where nothing is frozen. fsfreeze does not; as a script it does:
  #!/bin/sh
  # /usr/local/sbin/thaw-data
  e=$(LC_ALL=C fsfreeze -u /data 2>&1) || case $e in (*'Invalid argument'*) ;; (*) echo "$e" >&2; exit 1; esac

  agentapi backup run --freeze 'fsfreeze -f /data' --thaw /usr/local/sbin/thaw-data"#;

/// How far the loop is: one line that changes, on a terminal; else a line for each step. On stderr.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn start() -> Self {
        const REDRAWN_EVERY: Duration = Duration::from_millis(100);
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(REDRAWN_EVERY);
            bar
        });
        Self(bar)
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Log for Progress {
    fn line(&self, _extension: &str, line: &str) {
        match &self.0 {
            Some(bar) => bar.set_message(visible(line).into_owned()),
            None => anstream::eprintln!("{}", visible(line)),
        }
    }
}
