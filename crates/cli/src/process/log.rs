//! The log, written to stderr.

use std::env;
use std::io::{self, Write};

use clap::{ArgAction, Args};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::UsageError;
use crate::print::escape::visible;
use crate::process::stderr::LogWriter;

/// How much is logged.
#[derive(Args)]
pub(crate) struct LogOptions {
    /// Log more to stderr: -v info, -vv debug, -vvv trace
    #[arg(short, long, action = ArgAction::Count, global = true, help_heading = "Output")]
    verbose: u8,
    /// Log by a filter, such as agentapi_host=debug [env: AGENTAPI_LOG]
    ///
    /// Without a filter, warnings are logged.
    #[arg(long, value_name = "FILTER", global = true, help_heading = "Output")]
    log: Option<String>,
}

impl LogOptions {
    /// The filter of the command line, else the one of the environment, else the command's own.
    fn filter(&self, variable: Option<String>, default: &str) -> String {
        let typed = self.log.clone().or(match self.verbose {
            0 => None,
            1 => Some("info".into()),
            2 => Some("debug".into()),
            _ => Some("trace".into()),
        });
        typed.or(variable).unwrap_or_else(|| default.into())
    }
}

/// Installs the subscriber of the process, with this filter where the user chooses none. To be called once.
pub(crate) fn start(options: &LogOptions, default: &str) -> Result<(), UsageError> {
    let text = options.filter(env::var("AGENTAPI_LOG").ok(), default);
    let filter = text.parse::<Targets>();
    let filter = filter.map_err(|error| UsageError(format!("the log filter {text:?} cannot be read: {error}")))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(|| Escaping(LogWriter)).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    Ok(())
}

/// Writes what may be shown of each event. Fields of events hold texts of the agent and of programs, and `tracing` escapes
/// only some of what must not reach a terminal.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    /// Is given one event at a time, with its line end.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", visible(line)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Warnings, except the host library's about a wrong pin: the command reports that error itself, and the demo provokes
/// it on purpose. Any filter that the user chooses shows it.
pub(crate) const DEFAULT_FILTER: &str = "warn,agentapi_host::sandbox::egress=error";
/// For a command whose mock agents fail on purpose.
pub(crate) const ERRORS_ONLY: &str = "error";

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{DEFAULT_FILTER, Escaping, LogOptions};

    #[test]
    fn an_event_is_one_line_without_what_must_not_be_shown() {
        let mut written = Vec::new();
        let event = "WARN x: a\u{1b}[2J\u{202e}b\nWARN forged\n";
        Escaping(&mut written).write_all(event.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "WARN x: a\\u{1b}[2J\\u{202e}b\\nWARN forged\n");
    }

    #[test]
    fn the_filter_comes_before_verbosity_and_that_before_the_variable() {
        let filter = |verbose, log: Option<&str>, variable: Option<&str>| {
            LogOptions { verbose, log: log.map(Into::into) }.filter(variable.map(Into::into), DEFAULT_FILTER)
        };
        assert_eq!(filter(2, Some("a=info"), Some("error")), "a=info");
        assert_eq!(filter(2, None, Some("error")), "debug");
        assert_eq!(filter(0, None, Some("error")), "error");
        assert_eq!(filter(0, None, None), DEFAULT_FILTER);
    }
}
