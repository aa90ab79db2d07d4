//! Freezes and thaws with the operator's programs.
//!
//! Applications are frozen in the order given and thawed in reverse. The first freeze that fails ends the freeze; a thaw
//! that fails does not keep the others from theirs.
//!
//! A thaw program must succeed where nothing is frozen: after a crash nobody knows. `fsfreeze -u` does not, so write
//!
//! ```text
//! sh -c 'e=$(LC_ALL=C fsfreeze -u /data 2>&1) || case $e in (*Invalid\ argument*) ;; (*) echo "$e" >&2; exit 1; esac'
//! ```

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Program, ProgramFailure, Quiesce, QuiesceFailure, Quiescing, Settings, error_chain};

/// How one application is frozen and thawed.
#[derive(Clone, Debug)]
pub struct Application {
    /// Returns when the application stands still.
    pub freeze: Program,
    /// Returns when it runs again; also where it was not frozen.
    pub thaw: Program,
}

/// Applications that programs freeze and thaw.
///
/// Remembers which may be frozen, so that only those are thawed, and each only until it worked. Of a process that was
/// just started that is all of them.
#[derive(Debug)]
pub struct Programs {
    applications: Vec<Application>,
    standing: Mutex<Vec<Standing>>,
}

/// Why there are no such programs.
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

/// What is known of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Another process may have frozen it.
    Unknown,
    /// Its freeze was begun, and no thaw has worked since.
    MayBeFrozen,
    Running,
}

impl Programs {
    /// These applications, in the order in which they are frozen.
    ///
    /// # Errors
    ///
    /// [`ProgramsError::Empty`] without one.
    pub fn new(applications: impl IntoIterator<Item = Application>) -> Result<Self, ProgramsError> {
        let applications: Vec<_> = applications.into_iter().collect();
        if applications.is_empty() {
            return Err(ProgramsError::Empty);
        }
        let standing = Mutex::new(vec![Standing::Unknown; applications.len()]);
        Ok(Self { applications, standing })
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
            Ok(Application { freeze: Program::parse(freeze.as_ref())?, thaw: Program::parse(thaw.as_ref())? })
        });
        Self::new(pairs.collect::<Result<Vec<_>, _>>()?)
    }

    /// The same applications, each program with this time.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        for application in &mut self.applications {
            application.freeze = application.freeze.clone().with_timeout(timeout);
            application.thaw = application.thaw.clone().with_timeout(timeout);
        }
        self
    }

    /// The default settings, with time for every program to use up its own.
    pub fn settings(&self) -> Settings {
        let total = |of: fn(&Application) -> &Program| {
            let times = self.applications.iter().map(|application| of(application).timeout() + SPARE);
            times.fold(Duration::ZERO, Duration::saturating_add)
        };
        let (freeze_timeout, thaw_timeout) = (total(|app| &app.freeze), total(|app| &app.thaw));
        let defaults = Settings::default();
        // One attempt that hangs, and the next.
        let thaw_wait = defaults.thaw_wait.max(thaw_timeout.saturating_mul(2));
        Settings { freeze_timeout, thaw_timeout, thaw_wait, ..defaults }
    }

    async fn freeze_in_order(&self) -> Result<(), QuiesceFailure> {
        for index in 0..self.applications.len() {
            self.change(index, |standing| {
                if *standing == Standing::Unknown {
                    *standing = Standing::Running;
                }
            });
        }
        for (index, application) in self.applications.iter().enumerate() {
            self.change(index, |standing| *standing = Standing::MayBeFrozen);
            application.freeze.run(&role("freeze", index)).await.map_err(QuiesceFailure::new)?;
        }
        Ok(())
    }

    async fn thaw_in_reverse(&self) -> Result<(), QuiesceFailure> {
        let mut failures = Vec::new();
        for (index, application) in self.applications.iter().enumerate().rev() {
            if self.change(index, |standing| *standing == Standing::Running) {
                continue;
            }
            match application.thaw.run(&role("thaw", index)).await {
                Ok(()) => self.change(index, |standing| *standing = Standing::Running),
                Err(failure) => failures.push(failure),
            }
        }
        match failures.len() {
            0 => Ok(()),
            1 => Err(QuiesceFailure::new(failures.remove(0))),
            _ => Err(QuiesceFailure::new(Failures(failures))),
        }
    }

    fn change<T: Default>(&self, index: usize, change: impl FnOnce(&mut Standing) -> T) -> T {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.get_mut(index).map(change).unwrap_or_default()
    }
}

impl Quiesce for Programs {
    fn freeze(&self) -> Quiescing<'_> {
        Box::pin(self.freeze_in_order())
    }

    fn thaw(&self) -> Quiescing<'_> {
        Box::pin(self.thaw_in_reverse())
    }
}

/// Several thaws that failed in one attempt.
#[derive(Debug)]
struct Failures(Vec<ProgramFailure>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|failure| error_chain(failure)).collect();
        f.write_str(&texts.join("; "))
    }
}

impl std::error::Error for Failures {}

/// Which program of several: counted from 1.
fn role(what: &str, index: usize) -> String {
    format!("{what} program {}", index + 1)
}

/// What starting and killing a program may take besides its own time.
const SPARE: Duration = Duration::from_secs(1);

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
    fn an_attempt_has_time_for_every_program() {
        let second = Duration::from_secs(1);
        let programs = Programs::parse(&["a", "b", "c"], &["d", "e", "f"]).unwrap().with_timeout(60 * second);
        let settings = programs.settings();
        assert_eq!((settings.freeze_timeout, settings.thaw_timeout), (183 * second, 183 * second));
        assert!(settings.thaw_wait > settings.thaw_timeout);
    }
}
