//! A program of the operator, with its time, and what is said of one that failed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// How long a program may run, unless set otherwise: 30 seconds, since a container engine gives what it stops 10.
pub const DEFAULT_PROGRAM_TIMEOUT: Duration = Duration::from_secs(30);

/// A program with its arguments and its time.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    timeout: Duration,
    folder: Option<PathBuf>,
}

/// Why there are no programs to freeze and thaw with.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramsError {
    /// A quote does not close.
    #[error("expected a command line, found one with an open quote: {0}")]
    Unreadable(String),
    /// There is no program to run.
    #[error("expected a program to run, found none")]
    Empty,
    /// Each application needs one of each.
    #[error("expected as many thaw programs as freeze programs, found {thaw} and {freeze}")]
    Unpaired {
        /// Freeze programs.
        freeze: usize,
        /// Thaw programs.
        thaw: usize,
    },
}

/// Why a program did not do what it was run for. The text holds the end of what it printed as it was: escape it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramFailure {
    /// It cannot be run.
    #[error("{program} cannot be started")]
    NotStarted {
        /// Which one.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// It ended with another status than 0, or by a signal.
    #[error("{program} ended with {status}{}", said(stderr))]
    Failed {
        /// Which one.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last few hundred bytes that it wrote to standard error.
        stderr: String,
    },
    /// It took too long, and was killed with its process group.
    #[error("{program} took longer than {} ms and was killed with all that it started{}", limit.as_millis(), said(stderr))]
    Overran {
        /// Which one.
        program: String,
        /// Its time.
        limit: Duration,
        /// The last few hundred bytes that it wrote to standard error.
        stderr: String,
    },
    /// Nobody waited for it any more.
    #[error("{program} was killed with all that it started: nobody waited for it any more")]
    Cancelled {
        /// Which one.
        program: String,
    },
}

impl Program {
    /// Program and arguments from a line with a POSIX shell's quoting, and [`DEFAULT_PROGRAM_TIMEOUT`]. No shell is run:
    /// where one is wanted, write `sh -c '..'`.
    ///
    /// # Errors
    ///
    /// [`ProgramsError::Unreadable`] for a line whose quotes do not close; [`ProgramsError::Empty`] for one without a word.
    pub fn parse(line: &str) -> Result<Self, ProgramsError> {
        let words = shlex::split(line).ok_or_else(|| ProgramsError::Unreadable(line.to_owned()))?;
        Self::new(words)
    }

    /// A program and its arguments, with [`DEFAULT_PROGRAM_TIMEOUT`].
    ///
    /// # Errors
    ///
    /// [`ProgramsError::Empty`] without a program.
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, ProgramsError> {
        let mut words = words.into_iter().map(Into::into);
        let name = words.next().filter(|name| !name.is_empty()).ok_or(ProgramsError::Empty)?;
        let arguments = words.collect();
        Ok(Self { name, arguments, timeout: DEFAULT_PROGRAM_TIMEOUT, folder: None })
    }

    /// The same program with another time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same program, run in this folder if there is one.
    pub(crate) fn in_folder(self, folder: Option<PathBuf>) -> Self {
        Self { folder, ..self }
    }

    /// Name and arguments.
    pub(crate) fn words(&self) -> Vec<String> {
        std::iter::once(&self.name).chain(&self.arguments).cloned().collect()
    }

    /// The program without its arguments, which may hold a password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments. Not to be printed: they may hold a password.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// How long it may run.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn described(&self, role: &str) -> String {
        format!("{role} ({})", self.name)
    }
}

impl fmt::Debug for Program {
    /// Without arguments: they may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.name).finish()
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn arguments_are_not_printed() {
        let program = Program::parse("/bin/hold -psecret").unwrap();
        assert_eq!((format!("{program:?}").as_str(), program.name()), (r#"Program("/bin/hold")"#, "/bin/hold"));
    }
}
