//! `agentapi thaw`: what a process that is gone left frozen, and nothing else.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use agentapi_controller::config::journal_of;
use agentapi_host::quiesce::{Applications, JournalError, Leftover, Report, Settings};
use clap::Args;
use serde_json::json;

use crate::extension::applications::{ApplicationOptions, seconds};
use crate::extension::journal::default_journal;
use crate::extension::tell::tell;
use crate::extension::thaw::{finish, journal_error};
use crate::print::Output;
use crate::print::escape::visible;
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::process::stderr::stderr;
use crate::status::ExitStatus;

/// What `thaw` takes.
#[derive(Args)]
pub(crate) struct ThawOptions {
    /// The journal of the run that froze [default: agentapi/quiesce.jsonl in $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// The journal of the controller with this configuration, whatever else is wrong with that
    #[arg(long, value_name = "FILE", conflicts_with = "journal")]
    config: Option<PathBuf>,
    /// Wait for the end of a process that lives and holds its freeze, and thaw if it ends without
    ///
    /// Beside a controller, in a unit of its own: thaws also where the process that froze has been
    /// killed and cannot end, because a thread of it waits for what is frozen.
    #[arg(long)]
    wait: bool,
    /// Give up a thaw that does not work after N seconds, and end with status 7
    #[arg(long, value_name = "N", value_parser = seconds())]
    thaw_give_up_s: Option<u64>,
    /// For a journal of an older version, which did not record what was frozen. All others say what it was.
    #[command(flatten)]
    applications: ApplicationOptions,
}

/// Thaws what the journal recorded, if its process is gone or dying.
pub(crate) fn run(options: &ThawOptions, output: Output) -> anyhow::Result<()> {
    let journal = match (&options.journal, &options.config) {
        (Some(file), _) => file.clone(),
        (None, Some(config)) => journal_of(config),
        (None, None) => default_journal()?,
    };
    let applications = options.applications.applications()?;
    let mut settings = applications.settings();
    settings.give_up = options.thaw_give_up_s.map(Duration::from_secs);
    // Before anything is said: where stderr is a file, it may lie on what is frozen.
    let parked = stderr().park();
    let found = match options.wait {
        true => wait_for_leftover(&journal, &applications, &settings),
        false => Leftover::thaw(&journal, applications, &settings),
    };
    let found = found.map_err(journal_error);
    if !is_root() && !matches!(found, Ok(None)) {
        tell("this is not root: what root froze is thawed by root only");
    }
    let Some(leftover) = found? else { return report_nothing(&journal, output) };
    let (holder, what) = (leftover.holder().to_owned(), leftover.what().to_vec());
    let thawed = block_on(single_threaded()?, async {
        let mut termination = Termination::handle()?;
        finish(leftover, &journal, &mut termination).await
    })?;
    drop(parked);
    report(&holder, &what, thawed.as_ref(), &journal, output)
}

/// Looks again as long as a process holds its freeze, and for a while after nothing has been frozen: whoever starts this when
/// a freeze begins does so before the journal says it.
fn wait_for_leftover(
    journal: &Path,
    applications: &Applications,
    settings: &Settings,
) -> Result<Option<Leftover>, JournalError> {
    let mut quiet = Duration::ZERO;
    loop {
        match Leftover::thaw(journal, applications.clone(), settings) {
            Ok(None) if quiet >= QUIET => return Ok(None),
            Ok(None) => quiet += LOOK_EVERY,
            Err(JournalError::InUse { .. }) => quiet = Duration::ZERO,
            found => return found,
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn report_nothing(journal: &Path, output: Output) -> anyhow::Result<()> {
    let file = journal.display().to_string();
    output.report(ExitStatus::Done, &json!({ "journal": file, "left_frozen": false }), |_| {
        let there = if journal.exists() { "" } else { ", which is not there" };
        let user = if is_root() { "" } else { ". This is not root, whose journal is another file" };
        format!("Nothing was left frozen by {}{there}{user}.\n", visible(&file))
    })
}

fn report(
    holder: &str,
    what: &[String],
    thawed: Option<&Report>,
    journal: &Path,
    output: Output,
) -> anyhow::Result<()> {
    let record = json!({
        "journal": journal.display().to_string(),
        "left_frozen": true,
        "holder": holder,
        "what": what,
        "frozen_s": thawed.map(|report| report.frozen.as_secs()),
        "thaw_attempts": thawed.map(|report| report.attempts),
        "failures": thawed.map(|report| &report.failures),
    });
    output.report(ExitStatus::Done, &record, |_| describe(holder, what, thawed))
}

fn describe(holder: &str, what: &[String], thawed: Option<&Report>) -> String {
    let holder = visible(holder);
    let Some(Report { frozen, attempts, failures, .. }) = thawed else {
        return format!("Another process has thawed what {holder} had left frozen.\n");
    };
    if what.is_empty() {
        return format!("What {holder} had left frozen was thawed when the machine was started anew.\n");
    }
    let times = if *attempts == 1 { String::new() } else { format!(" at attempt {attempts}") };
    let seconds = frozen.as_secs();
    let mut text = format!("Thawed{times} what {holder} had left frozen, {seconds} s after its freeze began:\n");
    for line in what.iter().map(|name| visible(name)) {
        text += &format!("  {line}\n");
    }
    for failure in failures.iter().map(|failure| visible(failure)) {
        text += &format!("before that: {failure}\n");
    }
    text
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Between two looks at the journal and its process, which cost less than a millisecond.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longer than a controller takes from the beginning of a freeze to the journal's line.
const QUIET: Duration = Duration::from_secs(10);

/// Printed below the long help.
pub(crate) const NOTES: &str = "\
Of the journal, and of nothing else: needs no token, agent, cache or audit. A
process that lives and holds its freeze is left alone (status 4). Waits until
the thaw has worked, or says what it waits for; a second Ctrl-C ends it without
(status 7), and so does the time of --thaw-give-up-s. The applications are for
a journal of an older version, which does not say what was frozen: name them as
they were then. Of all others the journal decides, whatever is named here.

After a crash, before you look for its cause:
  agentapi thaw
In a unit: when its process is gone, whatever ended it:
  ExecStopPost=agentapi thaw --journal /var/lib/app/j.jsonl";
