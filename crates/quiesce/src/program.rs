//! One program of the operator: run to its end, or killed with all that it started.
//!
//! It runs in a process group of its own, without input, and without this process's token. What leaves the group
//! (`setsid`) cannot be killed with it. A program that ends in time may leave others running, such as one that holds a
//! database's lock.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use super::ProgramsError;

/// How long a program may run, unless set otherwise: 10 seconds, far more than it takes to stop a file system.
pub const DEFAULT_PROGRAM_TIMEOUT: Duration = Duration::from_secs(10);

/// A program with its arguments and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    timeout: Duration,
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
        Ok(Self { name, arguments: words.collect(), timeout: DEFAULT_PROGRAM_TIMEOUT })
    }

    /// The same program with another time.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Runs it to its end. `role` says what for, in errors; arguments are left out there, they may hold a password.
    pub(super) async fn run(&self, role: &str) -> Result<(), ProgramFailure> {
        let program = format!("{role} ({})", self.name);
        let mut child = match self.command().spawn() {
            Ok(child) => child,
            Err(source) => return Err(ProgramFailure::NotStarted { program, source }),
        };
        let mut output = Output { pipe: child.stderr.take(), tail: Vec::new() };
        // Dropped before the child, which is not yet waited for: its id still is this group's.
        let mut group = Group::led_by(&child);
        let ended = timeout(self.timeout, wait(&mut child, &mut output)).await;
        let Ok(status) = ended else {
            group.kill();
            // What waits for a frozen disk dies only after the thaw: not to be waited for.
            let _ = timeout(GRACE, child.wait()).await;
            return Err(ProgramFailure::Overran { program, limit: self.timeout, stderr: output.text() });
        };
        group.leave();
        let _ = timeout(GRACE, output.read()).await;
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(ProgramFailure::Failed { program, status, stderr: output.text() }),
            Err(source) => Err(ProgramFailure::NotStarted { program, source }),
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.name);
        command.args(&self.arguments).env_remove("AGENTAPI_TOKEN");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// Reads meanwhile, so that a program that prints a lot can end.
async fn wait(child: &mut Child, output: &mut Output) -> io::Result<ExitStatus> {
    tokio::select! {
        status = child.wait() => status,
        () = output.read() => child.wait().await,
    }
}

/// The processes that a program started, and itself. Killed when dropped.
struct Group(Option<Pid>);

impl Group {
    fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)))
    }

    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // Fails only if nothing of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    /// The program has ended: what it left running is meant to run.
    fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a program writes to standard error; the end of it.
struct Output {
    pipe: Option<ChildStderr>,
    tail: Vec<u8>,
}

impl Output {
    /// Reads until nobody can write any more. May be dropped and called again.
    async fn read(&mut self) {
        let mut buffer = [0; 1024];
        while let Some(pipe) = &mut self.pipe {
            let read = pipe.read(&mut buffer).await.unwrap_or_default();
            if read == 0 {
                self.pipe = None;
            }
            self.tail.extend(buffer.iter().take(read));
            let surplus = self.tail.len().saturating_sub(MAX_OUTPUT_BYTES);
            self.tail.drain(..surplus);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.tail).trim().to_owned()
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

/// How much of a program's output is kept, in bytes: the last lines, which name the cause.
const MAX_OUTPUT_BYTES: usize = 400;
/// How long to wait for what should be there at once: the last output, the end of a killed process.
const GRACE: Duration = Duration::from_millis(200);
