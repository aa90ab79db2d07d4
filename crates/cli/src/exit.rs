//! What a failed command prints on stderr, and its exit status.

mod hint;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use agentapi_host::{Error, error_chain};
use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::cli::Cli;
use crate::error::{SilentFailure, UsageError};
use crate::exit::hint::hint;
use crate::print::Output;
use crate::print::escape::{visible, visible_json};

const DONE: u8 = 0;
const NOT_DONE: u8 = 1;
const WRONG_USAGE: u8 = 2;
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
    } else if status == DONE || error.is::<SilentFailure>() {
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

fn exit_status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        // Found before anything is sent: an endpoint, fingerprint or token that cannot be right was typed wrongly.
        Some(Error::InvalidArgument(_)) => WRONG_USAGE,
        None if error.is::<UsageError>() => WRONG_USAGE,
        // `agentapi disks list | head -1` is no failure: the reader has seen enough.
        None if is_closed_pipe(error) => DONE,
        _ => NOT_DONE,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An error with its causes, each of them once: `Display` is the text for people, `Serialize` the JSON for programs.
struct ErrorReport<'a>(&'a anyhow::Error);

impl ErrorReport<'_> {
    fn call_error(&self) -> Option<&Error> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for ErrorReport<'_> {
    /// One line with what failed and what to do about it, then one line for each cause.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        write!(f, "{red}error:{red:#} {}", visible(&self.0.to_string()))?;
        if let Some(hint) = self.call_error().and_then(hint) {
            write!(f, "; {}", visible(&hint))?;
        }
        writeln!(f)?;
        self.0.chain().skip(1).try_for_each(|cause| writeln!(f, "  caused by: {}", visible(&cause.to_string())))
    }
}

impl Serialize for ErrorReport<'_> {
    /// As in the answers of `agentapi call`. What is not the error of a call is `internal`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(error) = self.call_error() {
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

    use agentapi_host::Error;
    use anstream::adapter::strip_str;
    use anyhow::anyhow;

    use super::{ErrorReport, exit_status};
    use crate::error::{CommandError, SilentFailure, UsageError};

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
        assert_eq!(exit_status(&unreachable()), 1);
        assert_eq!(exit_status(&CommandError("x".into()).into()), 1);
        assert_eq!(exit_status(&SilentFailure.into()), 1);
        assert_eq!(exit_status(&UsageError("x".into()).into()), 2);
        assert_eq!(exit_status(&Error::InvalidArgument("x".into()).into()), 2);
        assert_eq!(exit_status(&io::Error::from(io::ErrorKind::BrokenPipe).into()), 0);
        assert_eq!(exit_status(&io::Error::from(io::ErrorKind::StorageFull).into()), 1);
    }
}
