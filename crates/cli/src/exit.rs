//! What a failed command prints on stderr, and its exit status.

mod hint;

use agentapi_host::policy::{GrantsTomlError, LoadError, RunError, Trap};
use agentapi_host::quiesce::JournalError;
use agentapi_host::{Error, Fingerprint, PinMismatch, error_chain};
use agentapi_mock::ScenarioError;
use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cli::Cli;
use crate::error::{ActionError, CommandError, SilentFailure, UntoldOutcome, UsageError, WrongConfiguration};
use crate::exit::hint::hint;
use crate::print::escape::{is_visible, visible, visible_json};
use crate::print::fingerprints::aligned;
use crate::print::width::stderr_columns;
use crate::print::wrap::{display_width, wrap};
use crate::print::{Output, print};
use crate::process::stderr::stderr;
use crate::status::ExitStatus;

const TOKEN_IS_NO_ARGUMENT: &str = "the token is never an argument, because every user of the machine can read those: give --token-file FILE, \
     AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN";

/// Prints what clap found wrong with the command line, or the help or version that was asked for, and returns the exit
/// status.
pub(crate) fn report_clap_error(error: clap::Error) -> ExitStatus {
    let is_token = |value: &ContextValue| matches!(value, ContextValue::String(name) if name == "--token");
    match error.get(ContextKind::InvalidArg) {
        // clap's own message would suggest --token-file and not say why there is no --token.
        Some(value) if error.kind() == ErrorKind::UnknownArgument && is_token(value) => {
            print_usage(TOKEN_IS_NO_ARGUMENT)
        }
        _ if error.use_stderr() => print_clap_error(&error),
        // The help, or the version.
        _ => match print(&error.render().ansi().to_string()) {
            Ok(()) => ExitStatus::Done,
            Err(error) => report_failure(&error.into(), Output { json: false }),
        },
    }
}

fn print_usage(text: &str) -> ExitStatus {
    print_clap_error(&Cli::command().error(ErrorKind::MissingRequiredArgument, text))
}

fn print_clap_error(error: &clap::Error) -> ExitStatus {
    // clap repeats arguments, which a script may have from anywhere. Its colours are lost only where one is odd.
    let text = error.render().to_string();
    let text = if text.split('\n').all(is_visible) {
        error.render().ansi().to_string()
    } else {
        text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
    };
    stderr().print(wrap(&text, stderr_columns(), INDENT));
    ExitStatus::WrongUsage
}

/// Prints why the command failed and returns the exit status.
pub(crate) fn report_failure(error: &anyhow::Error, output: Output) -> ExitStatus {
    if let Some(UsageError(text)) = error.downcast_ref() {
        return print_usage(text);
    }
    if !error.is::<SilentFailure>() {
        let report = ErrorReport(error);
        // Serializing what is made of texts does not fail.
        let json = || visible_json(serde_json::to_string(&report).unwrap_or_default()) + "\n";
        stderr().print(if output.json { json() } else { report.text(stderr_columns()) });
    }
    exit_status(error)
}

fn exit_status(error: &anyhow::Error) -> ExitStatus {
    if let Some(SilentFailure(status)) = error.downcast_ref() {
        return *status;
    }
    if let Some(CommandError { status, .. }) = error.downcast_ref() {
        return *status;
    }
    if error.is::<WrongConfiguration>() {
        return ExitStatus::WrongUsage;
    }
    if let Some(JournalError::InUse { .. }) = error.downcast_ref() {
        return ExitStatus::Busy;
    }
    if let Some(UntoldOutcome { status, .. }) = error.downcast_ref() {
        return *status;
    }
    match call_error(error) {
        // Found before anything is sent: an endpoint, fingerprint or token that cannot be right was typed wrongly.
        Some(Error::InvalidArgument(_)) => ExitStatus::WrongUsage,
        Some(call) if error.is::<ActionError>() && call.may_have_acted() => ExitStatus::Unknown,
        None if error.is::<UsageError>() => ExitStatus::WrongUsage,
        _ => ExitStatus::Failed,
    }
}

/// The error of a call to the agent, if that is what failed.
fn call_error(error: &anyhow::Error) -> Option<&Error> {
    error.downcast_ref().or_else(|| error.downcast_ref().map(|ActionError(error)| error))
}

/// An error with its causes, each of them once: [`Self::text`] is for people, `Serialize` is the JSON for programs.
struct ErrorReport<'a>(&'a anyhow::Error);

impl ErrorReport<'_> {
    /// What failed and what to do about it, then each cause, broken between words to fit the columns. Without columns
    /// these are one line each, for those who search a log.
    fn text(&self, columns: Option<usize>) -> String {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let what = match self.0.downcast_ref() {
            Some(WrongConfiguration(lines)) => lines.join("\n  "),
            None => lines_of(self.0, self.0.as_ref()),
        };
        let mut text = format!("{red}error:{red:#} {what}");
        if let Some(hint) = call_error(self.0).and_then(hint) {
            text = format!("{text}; {}", visible(&hint));
        }
        let mut text = wrap_before(&text, self.0.downcast_ref().and_then(CommandError::command), columns) + "\n";
        for cause in self.0.chain().skip(1) {
            text.push_str(&match cause.downcast_ref() {
                Some(PinMismatch::OtherLeaf { expected, presented }) => {
                    let expected = expected.iter().map(|pin| ("expected", *pin));
                    let rows: Vec<(&str, Fingerprint)> = expected.chain([("presented", *presented)]).collect();
                    aligned(&rows, INDENT, columns)
                }
                _ => wrap(&format!("  caused by: {}\n", lines_of(self.0, cause)), columns, INDENT),
            });
        }
        text
    }
}

/// The lines of an error, those after the first indented: the engine and parsers point at a place in a line below. What an
/// agent or a program said is one line, so that none of it can pass for a line of the command's own.
fn lines_of(error: &anyhow::Error, part: &(dyn std::error::Error + 'static)) -> String {
    let text = part.to_string();
    let mut lines: Vec<String> = match has_lines(error) {
        true => text.lines().filter(|line| !line.trim().is_empty()).map(|line| visible(line).into_owned()).collect(),
        false => vec![visible(&text).into_owned()],
    };
    if let Some(trap) = part.downcast_ref::<Trap>() {
        lines.extend(trap.frames.iter().skip(1).map(|frame| format!("from {}", visible(&frame.to_string()))));
    }
    lines.join("\n    ")
}

/// Whether what failed is reading something that is not an agent's.
fn has_lines(error: &anyhow::Error) -> bool {
    error.is::<LoadError>() || error.is::<GrantsTomlError>() || error.is::<ScenarioError>()
}

/// Breaks a text between words. The command at its end stands whole in a line of its own where it does not fit.
fn wrap_before(text: &str, command: Option<&str>, columns: Option<usize>) -> String {
    let fits = columns.is_none_or(|columns| display_width(text) <= columns);
    match command.and_then(|command| Some((text.strip_suffix(command)?, command))) {
        Some((before, command)) if !fits => {
            format!("{}\n{:INDENT$}{command}", wrap(before.trim_end(), columns, INDENT), "")
        }
        _ => wrap(text, columns, INDENT),
    }
}

/// Blanks in front of what goes on below the first line of an error.
const INDENT: usize = 2;

impl Serialize for ErrorReport<'_> {
    /// As in the answers of `agentapi call`. What is not the error of a call has a kind of its own, or is `internal`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(error) = call_error(self.0) {
            return error.serialize(serializer);
        }
        let mut fields = serializer.serialize_map(Some(2))?;
        fields.serialize_entry("kind", kind(self.0))?;
        fields.serialize_entry("message", &error_chain(&**self.0))?;
        fields.end()
    }
}

/// How a program tells errors apart that are not those of a call.
fn kind(error: &anyhow::Error) -> &'static str {
    if let Some(run) = error.downcast_ref::<RunError>() {
        return run.kind();
    }
    if error.is::<LoadError>() { "not-loaded" } else { "internal" }
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
    use crate::error::{ActionError, CommandError, SilentFailure, UntoldOutcome, UsageError, WrongConfiguration};
    use crate::print::StdoutError;
    use crate::status::ExitStatus;

    fn unreachable() -> anyhow::Error {
        let authority = "10.0.0.1:8443".parse().unwrap();
        Error::Unreachable { authority, source: io::Error::other("no\u{7}thing") }.into()
    }

    #[test]
    fn the_first_line_says_what_to_do_and_the_causes_follow() {
        let text = ErrorReport(&unreachable()).text(None);
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
        let full_disk = || io::Error::from(io::ErrorKind::StorageFull);
        let in_use = JournalError::InUse { file: "journal".into(), holder: None, since: None };
        let cases: [(anyhow::Error, ExitStatus); 11] = [
            (unreachable(), ExitStatus::Failed),
            (CommandError::new("x").into(), ExitStatus::Failed),
            (CommandError::new("x").with_status(ExitStatus::Frozen).into(), ExitStatus::Frozen),
            (SilentFailure(ExitStatus::NotDue).into(), ExitStatus::NotDue),
            (UsageError("x".into()).into(), ExitStatus::WrongUsage),
            (WrongConfiguration(vec!["x".into()]).into(), ExitStatus::WrongUsage),
            (Error::InvalidArgument("x".into()).into(), ExitStatus::WrongUsage),
            (ActionError(deadline()).into(), ExitStatus::Unknown),
            (in_use.into(), ExitStatus::Busy),
            (UntoldOutcome { status: ExitStatus::Done, source: full_disk() }.into(), ExitStatus::Done),
            (StdoutError::from(full_disk()).into(), ExitStatus::Failed),
        ];
        for (error, status) in cases {
            assert_eq!(exit_status(&error), status, "{error:?}");
        }
    }
}
