//! `agentapi schedule`: run something now, pause its schedule, let it go on.

use clap::Subcommand;
use serde_json::Value;

use crate::print::Output;
use crate::print::escape::visible;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::status::ExitStatus;

/// What is done.
#[derive(Subcommand)]
pub(crate) enum ScheduleCommand {
    /// Run it now, whatever its schedule says
    Run {
        /// `backup`, or the name of an extension
        name: String,
    },
    /// Let no run of it begin until it is resumed
    Pause {
        /// `backup`, or the name of an extension
        name: String,
    },
    /// Let its schedule go on, with the next due time
    Resume {
        /// `backup`, or the name of an extension
        name: String,
    },
}

/// Asks for it, and prints what became of it.
pub(crate) fn run(daemon: &DaemonOptions, command: &ScheduleCommand, output: Output) -> anyhow::Result<()> {
    let (name, action) = match command {
        ScheduleCommand::Run { name } => (name, "run"),
        ScheduleCommand::Pause { name } => (name, "pause"),
        ScheduleCommand::Resume { name } => (name, "resume"),
    };
    let path = format!("/v1/subjects/{}/{action}", percent_encoded(name));
    let answer = block_on(single_threaded()?, daemon.post(&path))?;
    output.report(ExitStatus::Done, &answer, |answer| describe(&visible(name), command, answer))
}

fn describe(name: &str, command: &ScheduleCommand, answer: &Value) -> String {
    match (command, answer["changed"] == false) {
        (ScheduleCommand::Run { .. }, _) => {
            format!("Run {run} of {name} is queued. Follow it with: agentapi runs show {run}\n", run = answer["run"])
        }
        (ScheduleCommand::Pause { .. }, true) => format!("{name} was paused already.\n"),
        (ScheduleCommand::Pause { .. }, false) => format!("{name} is paused.\n"),
        (ScheduleCommand::Resume { .. }, true) => format!("{name} was not paused.\n"),
        (ScheduleCommand::Resume { .. }, false) => format!("{name} goes on with its next due time.\n"),
    }
}

/// A name as a part of a path (RFC 3986): a `/` or `?` in it must not lead elsewhere.
pub(crate) fn percent_encoded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    name.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn a_name_cannot_leave_its_part_of_the_path() {
        assert_eq!(percent_encoded("disk-watch"), "disk-watch");
        assert_eq!(percent_encoded("../x?é"), "..%2Fx%3F%C3%A9");
    }
}
