//! The command's own errors. Those of a call to the agent are [`agentapi_host::Error`].

use std::io;

use crate::status::ExitStatus;

/// The command line is wrong, and nothing was tried.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// What is wrong is the configuration, and not how the command was called: lines that hold nothing which a person cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub(crate) struct WrongConfiguration(pub(crate) Vec<String>);

/// The command line is right and the command was not carried out. The text says why, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}{}", command.as_ref().map(|command| format!(": {command}")).unwrap_or_default())]
pub(crate) struct CommandError {
    text: String,
    /// What somebody is to paste. It ends the text, and is never broken.
    command: Option<String>,
    pub(crate) status: ExitStatus,
}

impl CommandError {
    /// A command that failed.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None, status: ExitStatus::Failed }
    }

    /// The same with a command that somebody is to paste.
    pub(crate) fn with_command(self, command: String) -> Self {
        Self { command: Some(command), ..self }
    }

    /// What somebody is to paste.
    pub(crate) fn command(&self) -> Option<&str> {
        self.command.as_deref()
    }

    /// The same with a status that says more than that it failed.
    pub(crate) fn with_status(self, status: ExitStatus) -> Self {
        Self { status, ..self }
    }
}

/// The call by which the agent was to change something failed. A call that only reads is an [`agentapi_host::Error`]
/// itself: whether the agent acted upon it is no question.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ActionError(#[from] pub(crate) agentapi_host::Error);

/// The command ended with this status, and cannot say so on stdout.
#[derive(Debug, thiserror::Error)]
#[error("how the command ended cannot be written to stdout: it is exit status {}", status.code())]
pub(crate) struct UntoldOutcome {
    pub(crate) status: ExitStatus,
    pub(crate) source: io::Error,
}

/// What was printed on stdout says already that the command was not carried out: there is no further message.
#[derive(Debug, thiserror::Error)]
#[error("not done")]
pub(crate) struct SilentFailure(pub(crate) ExitStatus);
