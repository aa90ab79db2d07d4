//! The report of a run on stdout, printed beside everything else: a thaw must not wait for a reader that has stopped.

use std::io;
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::print::{StdoutError, print};
use crate::process::leave::{is_file, leave};
use crate::process::signals::Termination;

/// A report that is being printed.
pub(super) struct Printing {
    printed: oneshot::Receiver<Result<(), StdoutError>>,
}

impl Printing {
    /// Prints by a thread. Where none is to be had the report comes first, and is printed here.
    pub(super) fn start(text: &str) -> Self {
        let (sender, printed) = oneshot::channel();
        let text = text.to_owned();
        let to_print = text.clone();
        // Nobody is left to be told where the receiver is gone.
        let writer = thread::Builder::new().name("stdout".into());
        if writer.spawn(move || drop(sender.send(print(&to_print)))).is_ok() {
            return Self { printed };
        }
        Self::of(print(&text))
    }

    /// Prints while something may be frozen. A file may lie there, and this process, which has to end, could not while a
    /// thread of it waits for the disk: then another process writes.
    pub(super) fn start_while_frozen(text: &str) -> Self {
        let stdout = io::stdout();
        if !is_file(stdout.as_fd()) {
            return Self::start(text);
        }
        Self::of(leave(text, stdout.as_fd()).map_err(StdoutError::from))
    }

    /// Waits a moment for it, so that what is told on stderr comes after the report.
    pub(super) async fn settle(&mut self) {
        if let Ok(printed) = timeout(PATIENCE, &mut self.printed).await {
            *self = Self::of(printed.unwrap_or_else(|_| Err(its_thread_has_ended())));
        }
    }

    /// Waits for it beside signals, whose handlers stay until the process ends: otherwise nothing but SIGKILL could end a
    /// command whose stdout is a pipe that nobody reads.
    pub(super) async fn end(self, termination: &mut Termination) -> Result<(), StdoutError> {
        tokio::select! {
            printed = self.printed => printed.unwrap_or_else(|_| Err(its_thread_has_ended())),
            signal = termination.recv() => {
                Err(io::Error::other(format!("signal {signal} came before a reader had taken it")).into())
            }
        }
    }

    fn of(printed: Result<(), StdoutError>) -> Self {
        let (sender, receiver) = oneshot::channel();
        let _ = sender.send(printed);
        Self { printed: receiver }
    }
}

fn its_thread_has_ended() -> StdoutError {
    io::Error::other("its thread has ended").into()
}

/// How long a reader may take nothing before it counts as one that has stopped.
const PATIENCE: Duration = Duration::from_secs(1);
