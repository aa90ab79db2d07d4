//! What a failed command prints on stderr, and its exit status.

mod hint;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use agentapi_host::quiesce::JournalError;
use agentapi_host::{Error, error_chain};
use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cli::Cli;
use crate::error::{ActionError, CommandError, SilentFailure, UsageError};
use crate::exit::hint::hint;
use crate::print::Output;
use crate::print::escape::{visible, visible_json};
use crate::status::ExitStatus;

const TOKEN_IS_NO_ARGUMENT: &str = "the token is never an argument, because every user of the machine can read those: give --token-file FILE, \
     AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN";

/// Prints what clap found wrong with the command line, or the help or version that was asked for, and ends the process.
pub(crate) fn exit_with_clap_error(error: clap::Error) -> ! {
    let is_token = |value: &ContextValue| matches!(value, ContextValue::String(name) if name == "--token");
    match error.get(ContextKind::InvalidArg) {
        // clap's own message would suggest --token-file and not say why there is no --token.
        Some(value) if error.kind() == ErrorKind::UnknownArgument && is_token(value) => {
            usage_message(TOKEN_IS_NO_ARGUMENT).exit()
        }
        _ => error.exit(),
    }
}

/// Prints why the command failed and returns the exit status.
pub(crate) fn report_failure(error: &anyhow::Error, output: Output) -> ExitCode {
    let status = exit_status(error);
    // A message that cannot be printed changes nothing: where stderr is closed there is nobody to tell.
    let _ = if let Some(UsageError(text)) = error.downcast_ref() {
        usage_message(text).print()
    } else if status == ExitStatus::Done || error.is::<SilentFailure>() {
        Ok(())
    } else {
        print_error(&ErrorReport(error), output)
    };
    status.into()
}

fn print_error(report: &ErrorReport<'_>, output: Output) -> io::Result<()> {
    let mut stderr = anstream::stderr().lock();
    if output.json {
        writeln!(stderr, "{}", visible_json(serde_json::to_string(report)?))
    } else {
        write!(stderr, "{report}")
    }
}

fn usage_message(text: &str) -> clap::Error {
    Cli::command().error(ErrorKind::MissingRequiredArgument, text)
}

fn exit_status(error: &anyhow::Error) -> ExitStatus {
    if let Some(SilentFailure(status)) = error.downcast_ref() {
        return *status;
    }
    if let Some(CommandError { status, .. }) = error.downcast_ref() {
        return *status;
    }
    if let Some(JournalError::InUse { .. }) = error.downcast_ref() {
        return ExitStatus::Busy;
    }
    match call_error(error) {
        // Found before anything is sent: an endpoint, fingerprint or token that cannot be right was typed wrongly.
        Some(Error::InvalidArgument(_)) => ExitStatus::WrongUsage,
        Some(call) if error.is::<ActionError>() && call.may_have_acted() => ExitStatus::Unknown,
        None if error.is::<UsageError>() => ExitStatus::WrongUsage,
        // `agentapi disks list | head -1` is no failure: the reader has seen enough.
        None if is_closed_pipe(error) => ExitStatus::Done,
        _ => ExitStatus::Failed,
    }
}

/// The error of a call to the agent, if that is what failed.
fn call_error(error: &anyhow::Error) -> Option<&Error> {
    error.downcast_ref().or_else(|| error.downcast_ref().map(|ActionError(error)| error))
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An error with its causes, each of them once: `Display` is the text for people, `Serialize` the JSON for programs.
struct ErrorReport<'a>(&'a anyhow::Error);

impl fmt::Display for ErrorReport<'_> {
    /// One line with what failed and what to do about it, then one line for each cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        write!(f, "{red}error:{red:#} {}", visible(&self.0.to_string()))?;
        if let Some(hint) = call_error(self.0).and_then(hint) {
            write!(f, "; {}", visible(&hint))?;
        }
        writeln!(f)?;
        self.0.chain().skip(1).try_for_each(|cause| writeln!(f, "  caused by: {}", visible(&cause.to_string())))
    }
}

impl Serialize for ErrorReport<'_> {
    /// As in the answers of `agentapi call`. What is not the error of a call is `internal`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(error) = call_error(self.0) {
            return error.serialize(serializer);
        }
        let mut fields = serializer.serialize_map(Some(2))?;
        fields.serialize_entry("kind", "internal")?;
        fields.serialize_entry("message", &error_chain(&**self.0))?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use agentapi_host::quiesce::JournalError;
    use agentapi_host::{Error, Phase, Route};
    use anstream::adapter::strip_str;
    use anyhow::anyhow;

    use super::{ErrorReport, exit_status};
    use crate::error::{ActionError, CommandError, SilentFailure, UsageError};
    use crate::status::ExitStatus;

    fn unreachable() -> anyhow::Error {
        let authority = "10.0.0.1:8443".parse().unwrap();
        Error::Unreachable { authority, source: io::Error::other("no\u{7}thing") }.into()
    }

    #[test]
    fn the_first_line_says_what_to_do_and_the_causes_follow() {
        let text = ErrorReport(&unreachable()).to_string();
        let lines: Vec<_> = strip_str(&text).to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("error: 10.0.0.1:8443 cannot be reached; "), "{text}");
        assert_eq!(lines[1], "  caused by: no\\u{7}thing");
    }

    #[test]
    fn json_has_the_kind_and_the_causes() {
        let json = |error: &anyhow::Error| serde_json::to_string(&ErrorReport(error)).unwrap();
        let expected = r#"{"kind":"unreachable","message":"10.0.0.1:8443 cannot be reached: no\u0007thing"}"#;
        assert_eq!(json(&unreachable()), expected);
        let other = anyhow!("cause").context("text");
        assert_eq!(json(&other), r#"{"kind":"internal","message":"text: cause"}"#);
    }

    #[test]
    fn each_error_has_its_status() {
        let deadline =
            || Error::Deadline { route: Some(Route::StartBackup), limit: Duration::ZERO, phase: Phase::Waiting };
        let in_use = JournalError::InUse { file: "journal".into(), holder: None };
        let cases: [(anyhow::Error, ExitStatus); 10] = [
            (unreachable(), ExitStatus::Failed),
            (CommandError::new("x").into(), ExitStatus::Failed),
            (CommandError::new("x").with_status(ExitStatus::Frozen).into(), ExitStatus::Frozen),
            (SilentFailure(ExitStatus::NotDue).into(), ExitStatus::NotDue),
            (UsageError("x".into()).into(), ExitStatus::WrongUsage),
            (Error::InvalidArgument("x".into()).into(), ExitStatus::WrongUsage),
            (ActionError(deadline()).into(), ExitStatus::Unknown),
            (in_use.into(), ExitStatus::Busy),
            (io::Error::from(io::ErrorKind::BrokenPipe).into(), ExitStatus::Done),
            (io::Error::from(io::ErrorKind::StorageFull).into(), ExitStatus::Failed),
        ];
        for (error, status) in cases {
            assert_eq!(exit_status(&error), status, "{error:?}");
        }
    }
}
