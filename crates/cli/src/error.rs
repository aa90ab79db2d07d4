//! The command's own errors. Those of a call to the agent are [`agentapi_host::Error`].

/// The command line is wrong, and nothing was tried. Exit status 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// The command line is right and the command was not carried out. The text says why, and what to do. Exit status 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CommandError(pub(crate) String);

/// The command was not carried out, and its output on stdout says so already: no further message. Exit status 1.
#[derive(Debug, thiserror::Error)]
#[error("not done")]
pub(crate) struct SilentFailure;
