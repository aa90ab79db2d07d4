//! A program that runs, and everything that it starts: waited for, killed, followed to its end.
//!
//! It leads a process group, has no input unless it is a holder, and does not see this process's token. Its process is not
//! reaped before the last of the group has ended: until then the kernel gives the group's id to nobody else.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid};

use crate::process::{Family, MARKER_VARIABLE};
use crate::program::Program;
use crate::sys::die_with_parent;
use crate::worker::Cancel;

/// A program that was started.
pub(crate) struct Running {
    child: Child,
    /// Readable when the program has ended.
    handle: OwnedFd,
    family: Family,
    stderr: Tail<ChildStderr>,
    stdout: Option<Tail<ChildStdout>>,
}

/// What a program is run for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// It is marked, so that it is found again, and dies with this process.
    Freeze(&'a str),
    /// It is marked, and thaws by itself when its standard input closes, as it does when this process dies.
    Hold(&'a str),
    /// Nothing that happens to this process ends it.
    Thaw,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The program has ended. What it started may live on.
    Ended,
    /// It printed the line that was waited for.
    Line,
    Cancelled,
    TimedOut,
}

/// The end of what a program prints.
struct Tail<P> {
    pipe: Option<P>,
    bytes: Vec<u8>,
}

impl Running {
    /// Starts it. May hang, as in an exec from a disk that does not answer.
    pub(crate) fn start(program: &Program, purpose: Purpose<'_>) -> io::Result<Self> {
        let mut command = program.command();
        // A group of its own, so that all of it can be killed, and a Ctrl-C at the terminal is not for it.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let marker = match purpose {
            Purpose::Freeze(marker) => marker.to_owned(),
            Purpose::Hold(marker) => hold_marker(marker),
            Purpose::Thaw => String::new(),
        };
        if marker.is_empty() {
            command.env_remove(MARKER_VARIABLE);
        } else {
            command.env(MARKER_VARIABLE, &marker);
        }
        match purpose {
            Purpose::Freeze(_) => die_with_parent(&mut command),
            Purpose::Hold(_) => {
                command.stdin(Stdio::piped()).stdout(Stdio::piped());
            }
            Purpose::Thaw => {}
        }
        let mut child = command.spawn()?;
        let id = i32::try_from(child.id()).map_err(io::Error::other)?;
        let pid = Pid::from_raw(id).ok_or(io::ErrorKind::InvalidInput)?;
        let handle = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(handle) => handle,
            Err(why) => {
                // No descriptors left. A program that cannot be watched must not freeze.
                let _ = kill_process_group(pid, Signal::KILL);
                let _ = child.wait();
                return Err(why.into());
            }
        };
        let stderr = Tail { pipe: child.stderr.take(), bytes: Vec::new() };
        let stdout = child.stdout.take().map(|pipe| Tail { pipe: Some(pipe), bytes: Vec::new() });
        Ok(Self { child, handle, family: Family::new(Some(id), &marker), stderr, stdout })
    }

    /// Waits for its end. Reads what it prints meanwhile, so that a program that prints a lot can end.
    pub(crate) fn wait(&mut self, until: Option<Instant>, cancel: Option<&Cancel>, line: Option<&str>) -> Woken {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let ready = self.poll(left, cancel);
            // Before its end is looked at: a program may print the line and end before this is woken.
            if self.stderr_or_stdout(ready) && line.is_some_and(|line| self.has_printed(line)) {
                return Woken::Line;
            }
            if ready.ended {
                return Woken::Ended;
            }
            if cancel.is_some_and(Cancel::is_set) {
                return Woken::Cancelled;
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Woken::TimedOut;
            }
        }
    }

    /// Closes the standard input of a holder.
    pub(crate) fn close_input(&mut self) {
        let input: Option<ChildStdin> = self.child.stdin.take();
        drop(input);
    }

    /// Asks the program and its group to end.
    pub(crate) fn terminate(&self) {
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::TERM);
        }
    }

    /// Kills it with all that it started. It is gone when [`follow`](Self::follow) returns, and not before: what waits in
    /// the kernel dies when that wait is over.
    pub(crate) fn kill(&mut self) {
        // Looked for first: when its parent has died a process that left the group is nobody's child.
        self.family.look();
        if let Some(group) = self.group() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.family.kill();
    }

    /// Kills and waits, without a limit, until nothing of it is alive.
    pub(crate) fn follow(&mut self) {
        // Its pipe is read meanwhile: a program that prints as it dies would else never end.
        let _ = self.wait(None, None, None);
        follow(&mut self.family);
    }

    /// Whether it ended with another status than 0. It is not reaped by this.
    pub(crate) fn has_failed(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(self.handle.as_fd()), options);
        status.ok().flatten().and_then(|status| status.exit_status()) != Some(0)
    }

    /// How it ended. To be called when it has.
    pub(crate) fn reap(&mut self) -> io::Result<ExitStatus> {
        let until = Instant::now() + GRACE;
        // What it left running may hold the pipe open: the last words are read only as long as they are there.
        while self.stderr.pipe.is_some() && Instant::now() < until {
            let ready = self.poll(Some(GRACE / 10), None);
            if !self.stderr_or_stdout(ready) {
                break;
            }
        }
        self.child.wait()
    }

    /// The last few hundred bytes that it wrote to standard error.
    pub(crate) fn last_words(&self) -> String {
        String::from_utf8_lossy(&self.stderr.bytes).trim().to_owned()
    }

    fn group(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    fn has_printed(&self, line: &str) -> bool {
        let Some(stdout) = &self.stdout else { return false };
        let text = String::from_utf8_lossy(&stdout.bytes);
        text.split_inclusive('\n').any(|printed| printed.ends_with('\n') && printed.trim() == line)
    }

    /// Waits until something can be read or the program has ended.
    fn poll(&self, limit: Option<Duration>, cancel: Option<&Cancel>) -> Ready {
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let handle = self.handle.as_fd();
        let (stderr, stdout) = (self.stderr.pipe.as_ref(), self.stdout.as_ref().and_then(|out| out.pipe.as_ref()));
        // The handle stands in for what is not there: poll(2) takes as many as there are, and this allocates nothing.
        let mut waited = [
            PollFd::from_borrowed_fd(handle, PollFlags::IN),
            PollFd::from_borrowed_fd(stderr.map_or(handle, AsFd::as_fd), PollFlags::IN),
            PollFd::from_borrowed_fd(stdout.map_or(handle, AsFd::as_fd), PollFlags::IN),
            PollFd::from_borrowed_fd(cancel.map_or(handle, Cancel::event), PollFlags::IN),
        ];
        if poll(&mut waited, limit.as_ref()).is_err() {
            // A signal handler ran on this thread. The caller asks again.
            return Ready::default();
        }
        let [ended, stderr_ready, stdout_ready, _] = waited.map(|waited| !waited.revents().is_empty());
        Ready { ended, stderr: stderr_ready && stderr.is_some(), stdout: stdout_ready && stdout.is_some() }
    }

    /// Reads what is there. Whether there was anything.
    fn stderr_or_stdout(&mut self, ready: Ready) -> bool {
        if ready.stderr {
            self.stderr.read();
        }
        if let (true, Some(stdout)) = (ready.stdout, &mut self.stdout) {
            stdout.read();
        }
        ready.stderr || ready.stdout
    }
}

/// What poll(2) found.
#[derive(Clone, Copy, Default)]
struct Ready {
    ended: bool,
    stderr: bool,
    stdout: bool,
}

impl<P: Read> Tail<P> {
    /// Once, when there is something to read: then it does not wait.
    fn read(&mut self) {
        let mut buffer = [0; 1024];
        let Some(pipe) = &mut self.pipe else { return };
        let read = pipe.read(&mut buffer).unwrap_or_default();
        if read == 0 {
            self.pipe = None;
        }
        self.bytes.extend(buffer.iter().take(read));
        let surplus = self.bytes.len().saturating_sub(MAX_OUTPUT_BYTES);
        self.bytes.drain(..surplus);
    }
}

/// Waits until no member is alive, or it is this late.
pub(crate) fn wait_for(family: &mut Family, until: Instant) {
    while family.look() > 0 && Instant::now() < until {
        std::thread::sleep(4 * FIRST_PAUSE);
    }
}

/// What holders carry. They are given time to thaw by themselves where other freeze processes are killed at once.
pub(crate) fn hold_marker(marker: &str) -> String {
    format!("{marker}-hold")
}

/// Kills, again and again, until no member is alive. Looks less often the longer it takes.
pub(crate) fn follow(family: &mut Family) {
    let mut pause = FIRST_PAUSE;
    while family.look() > 0 {
        family.kill();
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Program {
    fn command(&self) -> Command {
        let mut command = Command::new(self.name());
        command.args(self.arguments());
        for variable in OF_THIS_PROCESS {
            command.env_remove(variable);
        }
        // A folder that is gone is no reason not to thaw.
        if let Some(folder) = self.folder().filter(|folder| folder.is_dir()) {
            command.current_dir(folder);
        }
        command
    }
}

/// Variables that are for this process and not for what it starts: the token, and how a service manager is spoken to, which
/// could be told in its name that it is ready or lives.
const OF_THIS_PROCESS: [&str; 4] = ["AGENTAPI_TOKEN", "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];
/// How much of a program's output is kept, in bytes: the last lines, which name the cause.
const MAX_OUTPUT_BYTES: usize = 400;
/// How long to wait for the last output, which should be there at once.
const GRACE: Duration = Duration::from_millis(200);
/// Between two looks at `/proc`, which cost about a millisecond for a hundred processes.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
