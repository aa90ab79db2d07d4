//! The log, written to stderr.

use std::env;

use clap::{ArgAction, Args};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::UsageError;
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
    /// The filter of the command line, else the one of the environment, else the default.
    fn filter(&self, variable: Option<String>) -> String {
        let typed = self.log.clone().or(match self.verbose {
            0 => None,
            1 => Some("info".into()),
            2 => Some("debug".into()),
            _ => Some("trace".into()),
        });
        typed.or(variable).unwrap_or_else(|| DEFAULT_FILTER.into())
    }
}

/// Installs the subscriber of the process. To be called once.
pub(crate) fn start(options: &LogOptions) -> Result<(), UsageError> {
    let text = options.filter(env::var("AGENTAPI_LOG").ok());
    let filter = text.parse::<Targets>();
    let filter = filter.map_err(|error| UsageError(format!("the log filter {text:?} cannot be read: {error}")))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(|| LogWriter).with_ansi(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
    Ok(())
}

/// Warnings, except the host library's about a wrong pin: the command reports that error itself, and the demo provokes
/// it on purpose. Any filter that the user chooses shows it.
const DEFAULT_FILTER: &str = "warn,agentapi_host::sandbox::egress=error";

#[cfg(test)]
mod tests {
    use super::{DEFAULT_FILTER, LogOptions};

    #[test]
    fn the_filter_comes_before_verbosity_and_that_before_the_variable() {
        let filter = |verbose, log: Option<&str>, variable: Option<&str>| {
            LogOptions { verbose, log: log.map(Into::into) }.filter(variable.map(Into::into))
        };
        assert_eq!(filter(2, Some("a=info"), Some("error")), "a=info");
        assert_eq!(filter(2, None, Some("error")), "debug");
        assert_eq!(filter(0, None, Some("error")), "error");
        assert_eq!(filter(0, None, None), DEFAULT_FILTER);
    }
}
