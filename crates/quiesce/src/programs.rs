//! Freezes and thaws with the operator's programs, from command lines.
//!
//! Applications are frozen in the order given and thawed in reverse. The first freeze that fails ends the freeze; a thaw
//! that fails does not keep the others from theirs.
//!
//! A thaw program must succeed where nothing is frozen: after a crash nobody knows, and it is tried before the first freeze.
//! `fsfreeze -u` does not; [`Application::file_system`] is made for that.

use std::time::Duration;

use crate::application::{Application, Applications};
use crate::program::{Program, ProgramsError};
use crate::settings::Settings;

/// Applications that programs freeze and thaw.
#[derive(Clone, Debug)]
pub struct Programs {
    applications: Applications,
}

impl Programs {
    /// These applications, in the order in which they are frozen.
    ///
    /// # Errors
    ///
    /// [`ProgramsError::Empty`] without one.
    pub fn new(applications: impl IntoIterator<Item = Application>) -> Result<Self, ProgramsError> {
        Ok(Self { applications: Applications::new(applications)? })
    }

    /// From command lines as in [`Program::parse`]: the first thaw belongs to the first freeze, and so on.
    ///
    /// # Errors
    ///
    /// [`ProgramsError`] when there are none, or not as many of one as of the other, or one cannot be read.
    pub fn parse(freeze: &[impl AsRef<str>], thaw: &[impl AsRef<str>]) -> Result<Self, ProgramsError> {
        if freeze.len() != thaw.len() {
            return Err(ProgramsError::Unpaired { freeze: freeze.len(), thaw: thaw.len() });
        }
        let pairs = freeze.iter().zip(thaw).map(|(freeze, thaw)| {
            Ok(Application::programs(Program::parse(freeze.as_ref())?, Program::parse(thaw.as_ref())?))
        });
        Self::new(pairs.collect::<Result<Vec<_>, _>>()?)
    }

    /// The same applications, each program with this time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.applications = self.applications.with_timeout(timeout);
        self
    }

    /// As [`Applications::settings`].
    pub fn settings(&self) -> Settings {
        self.applications.settings()
    }
}

impl From<Programs> for Applications {
    fn from(programs: Programs) -> Self {
        programs.applications
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_program_is_refused() {
        for (freeze, thaw, text) in [
            (&["a"][..], &[][..], "expected as many thaw programs as freeze programs, found 0 and 1"),
            (&[], &[], "expected a program to run, found none"),
            (&[" "], &["b"], "expected a program to run, found none"),
            (&["''"], &["b"], "expected a program to run, found none"),
            (&["a"], &["b 'c"], "expected a command line, found one with an open quote: b 'c"),
        ] {
            assert_eq!(Programs::parse(freeze, thaw).unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn a_thaw_has_time_for_two_attempts_of_every_program() {
        let second = Duration::from_secs(1);
        let programs = Programs::parse(&["a", "b", "c"], &["d", "e", "f"]).unwrap().with_timeout(60 * second);
        assert_eq!(programs.settings().thaw_wait, Settings::default().thaw_wait + 360 * second);
    }
}
