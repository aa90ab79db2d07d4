//! Standard error, which one thread writes.
//!
//! A write to standard error may not return for hours: its reader has stopped (Ctrl-S, a full pipe), or it is a file on a
//! file system that is frozen, where not even SIGKILL ends the wait. So nobody else writes there. Everybody gives their
//! messages to a queue of bounded size and goes on; what does not fit is counted, and the count is told when there is
//! room. Nothing here panics or fails, whatever became of standard error.
//!
//! Where standard error is a file, the thread rests while something is frozen ([`Stderr::park`]). A terminal, a pipe or a
//! socket goes on: a write there can be killed, and people want to see how far it is.

mod queue;
mod terminal;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crate::process::leave::{is_file, leave};
pub(crate) use crate::process::stderr::queue::Parking;
use crate::process::stderr::queue::Queue;
use crate::process::stderr::terminal::Terminal;

/// The standard error of this process.
pub(crate) struct Stderr {
    queue: Arc<Queue>,
    is_file: bool,
    is_terminal: bool,
    has_thread: bool,
}

/// Starts the thread, at the start of the command: while something is frozen there may be none to be had. When the value
/// is dropped, what is still to be written is waited for.
///
/// The message of a panic goes to the queue too. The default would write it on the thread that panicked: one that keeps a
/// freeze would wait for the frozen disk.
pub(crate) fn start() -> FinishOnDrop {
    stderr();
    std::panic::set_hook(Box::new(|panic| {
        let name = thread::current().name().unwrap_or("without a name").to_owned();
        let backtrace = Backtrace::capture();
        let backtrace =
            if backtrace.status() == BacktraceStatus::Captured { format!("{backtrace}\n") } else { String::new() };
        stderr().print(format!("thread {name} {panic}\n{backtrace}"));
    }));
    FinishOnDrop
}

/// The standard error of this process.
pub(crate) fn stderr() -> &'static Stderr {
    static STDERR: OnceLock<Stderr> = OnceLock::new();
    STDERR.get_or_init(Stderr::new)
}

impl Stderr {
    fn new() -> Self {
        let queue = Arc::new(Queue::new());
        let to_write = Arc::clone(&queue);
        let thread = thread::Builder::new().name("stderr".into());
        let thread = thread.spawn(move || to_write.write_to(&mut Terminal::default()));
        Self {
            queue,
            is_file: is_file(io::stderr().as_fd()),
            is_terminal: io::stderr().is_terminal(),
            has_thread: thread.is_ok(),
        }
    }

    /// Writes a text, which ends with its own line end. Styles are removed unless standard error is a terminal.
    pub(crate) fn print(&self, text: String) {
        self.queue.push(text);
    }

    /// Shows how far something is: as one line that changes on a terminal, else as a line below the others.
    pub(crate) fn show_progress(&self, line: &str) {
        if self.is_terminal { self.queue.set_progress(Some(line.into())) } else { self.print(format!("{line}\n")) }
    }

    /// Takes the line that changes off the terminal, before something is printed on stdout.
    pub(crate) fn end_progress(&self) {
        self.queue.set_progress(None);
        self.queue.wait_until_written(TIME_WITHOUT_PROGRESS);
    }

    /// Keeps messages in memory for as long as the value lives, if standard error is a file: it may lie on what is to be
    /// frozen. Waits for a write that has begun, but not for one that is held up already.
    pub(crate) fn park(&self) -> Parking {
        if !self.is_file {
            return Parking::of_nothing();
        }
        self.queue.park(TIME_WITHOUT_PROGRESS)
    }

    /// Waits for what is still to be written, before the process ends: as long as there is progress.
    pub(crate) fn finish(&self) {
        self.queue.set_progress(None);
        if self.queue.is_parked() {
            // Where there is no process to be had, the exit status and the journal say what the text says.
            let _ = leave(&self.queue.take_all(), io::stderr().as_fd());
        } else if self.has_thread {
            self.queue.wait_until_written(TIME_WITHOUT_PROGRESS);
        } else {
            // A machine without a thread to spare should still say why the command failed.
            self.queue.write_on_this_thread(&mut Terminal::default());
        }
    }
}

/// Waits for what is still to be written when it is dropped: at the end of the process, also where that is a panic.
pub(crate) struct FinishOnDrop;

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        stderr().finish();
    }
}

/// Whole messages for the log, each of which is one write.
pub(crate) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, message: &[u8]) -> io::Result<usize> {
        stderr().print(String::from_utf8_lossy(message).into_owned());
        Ok(message.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How long the process waits for a reader that takes nothing. One that is slow takes something within this time.
const TIME_WITHOUT_PROGRESS: Duration = Duration::from_secs(1);
