//! The last thing that a run does: its report on stdout, when nothing is frozen any more.

use std::io;
use std::thread;

use tokio::sync::oneshot;

use crate::error::UntoldOutcome;
use crate::print;
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::status::ExitStatus;

/// Prints what came of a run and ends the command with this status.
///
/// The handlers of signals that the run installed stay until the process ends. So a signal is waited for beside the write:
/// otherwise nothing but SIGKILL could end a command whose stdout is a pipe that nobody reads.
pub(crate) fn report(status: ExitStatus, text: String) -> anyhow::Result<()> {
    let Ok(runtime) = single_threaded() else { return print::report(status, &text) };
    block_on(runtime, async {
        // Before the write begins, so that no signal is missed.
        let Ok(mut termination) = Termination::handle() else { return print::report(status, &text) };
        let (sender, reported) = oneshot::channel();
        let to_print = text.clone();
        let writer = thread::Builder::new().name("stdout".into());
        // Where the receiver is gone, a signal has come and nobody waits any more.
        let writer = writer.spawn(move || drop(sender.send(print::report(status, &to_print))));
        if writer.is_err() {
            // No thread is to be had. The report comes first.
            return print::report(status, &text);
        }
        tokio::select! {
            reported = reported => reported?,
            signal = termination.recv() => {
                let source = io::Error::other(format!("signal {signal} came before a reader had taken it"));
                Err(UntoldOutcome { status, source }.into())
            }
        }
    })
}
