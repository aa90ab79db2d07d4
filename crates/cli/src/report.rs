//! How a command fails: what it says on stderr, and with which status it ends.

pub(crate) mod hint;

use std::io;
use std::process::ExitCode;

use agentapi_host::Error;
use anstyle::{AnsiColor, Style};
use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use serde_json::json;

use crate::arguments::Cli;
use crate::print::escape::{visible, visible_json};
use crate::report::hint::hint;

/// The command was typed wrongly. Nothing was tried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The command was typed rightly, and what it is for was not done. Holds why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotDone(pub(crate) String);

/// It is all said already: only the status is left.
#[derive(Debug, thiserror::Error)]
#[error("not done")]
pub(crate) struct Said;

const DONE: u8 = 0;
const NOT_DONE: u8 = 1;
const WRONG_USAGE: u8 = 2;
const NO_TOKEN: &str = "the token is never an argument, because every user of the machine can read those: \
                        give --token-file FILE, AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN";

/// Ends with what clap says of a command line, or with the help that was asked for.
pub(crate) fn wrong_usage(wrong: clap::Error) -> ! {
    let is_token = |value: &ContextValue| matches!(value, ContextValue::String(name) if name == "--token");
    match wrong.get(ContextKind::InvalidArg) {
        Some(value) if wrong.kind() == ErrorKind::UnknownArgument && is_token(value) => usage(NO_TOKEN).exit(),
        _ => wrong.exit(),
    }
}

/// Says why, and gives the status to end with.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let status = status(error);
    if let Some(Usage(text)) = error.downcast_ref() {
        // Where stderr is closed there is nobody to tell.
        let _ = usage(text).print();
    } else if status != DONE && !error.is::<Said>() {
        let text = if json { visible_json(as_json(error)) + "\n" } else { as_text(error) };
        anstream::eprint!("{text}");
    }
    status.into()
}

fn usage(text: &str) -> clap::Error {
    Cli::command().error(ErrorKind::MissingRequiredArgument, text)
}

/// An invalid argument is found before anything is sent: it was typed wrongly. Whoever closes our stdout has read
/// enough.
fn status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Error>() {
        Some(Error::InvalidArgument(_)) => WRONG_USAGE,
        None if error.is::<Usage>() => WRONG_USAGE,
        None if is_closed_pipe(error) => DONE,
        _ => NOT_DONE,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|why| why.kind() == io::ErrorKind::BrokenPipe)
}

/// One line that says what failed and what to do, and the causes below.
fn as_text(error: &anyhow::Error) -> String {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let hint = error.downcast_ref().and_then(hint).map(|hint| format!("; {hint}")).unwrap_or_default();
    let causes = error.chain().skip(1).map(|cause| format!("  caused by: {}\n", visible(&cause.to_string())));
    let causes: String = causes.collect();
    format!("{red}error:{red:#} {}{}\n{causes}", visible(&error.to_string()), visible(&hint))
}

fn as_json(error: &anyhow::Error) -> String {
    let text = error.downcast_ref::<Error>().and_then(|error| serde_json::to_string(error).ok());
    text.unwrap_or_else(|| json!({ "kind": "internal", "message": format!("{error:#}") }).to_string())
}

#[cfg(test)]
mod tests {
    use std::io;

    use agentapi_host::Error;
    use anstream::adapter::strip_str;
    use anyhow::anyhow;

    use super::{NotDone, Usage, as_json, as_text, status};

    fn unreachable() -> anyhow::Error {
        let authority = "10.0.0.1:8443".parse().unwrap();
        Error::Unreachable { authority, source: io::Error::other("no\u{7}thing") }.into()
    }

    #[test]
    fn the_first_line_says_what_to_do_and_the_causes_follow() {
        let text = as_text(&unreachable());
        let lines: Vec<_> = strip_str(&text).to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("error: 10.0.0.1:8443 cannot be reached; "), "{text}");
        assert_eq!(lines[1], "  caused by: no\\u{7}thing");
    }

    #[test]
    fn json_has_the_kind_and_the_causes() {
        let json = r#"{"kind":"unreachable","message":"10.0.0.1:8443 cannot be reached: no\u0007thing"}"#;
        assert_eq!(as_json(&unreachable()), json);
        assert_eq!(as_json(&anyhow!("cause").context("text")), r#"{"kind":"internal","message":"text: cause"}"#);
    }

    #[test]
    fn each_error_has_its_status() {
        assert_eq!(status(&unreachable()), 1);
        assert_eq!(status(&NotDone("x".into()).into()), 1);
        assert_eq!(status(&Usage("x".into()).into()), 2);
        assert_eq!(status(&Error::InvalidArgument("x".into()).into()), 2);
        assert_eq!(status(&io::Error::from(io::ErrorKind::BrokenPipe).into()), 0);
        assert_eq!(status(&io::Error::from(io::ErrorKind::StorageFull).into()), 1);
    }
}
