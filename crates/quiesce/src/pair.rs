//! The programs of a pair: one freezes, one thaws, and each is run to its end.

use std::time::Instant;

use crate::error::QuiesceFailure;
use crate::program::{Program, ProgramFailure};
use crate::running::{Purpose, Running, Woken};
use crate::worker::{Desk, Order, Outcome, Post};

/// Runs it to its end. One that fails, overruns or is cancelled is killed, and this returns when nothing of it is alive.
/// `role` says what for, in errors; arguments are left out there, they may hold a password.
pub(crate) fn run_to_end(program: &Program, role: &str, purpose: Purpose<'_>, desk: &Desk<Order>) -> Outcome {
    let name = program.described(role);
    let mut running = match Running::start(program, purpose) {
        Ok(running) => running,
        Err(source) => return failed(ProgramFailure::NotStarted { program: name, source }),
    };
    let limit = program.timeout();
    let woken = running.wait(Some(Instant::now() + limit), Some(&desk.cancel), None);
    if woken != Woken::Ended {
        running.kill();
        let stderr = running.last_words();
        let failure = || match woken {
            Woken::Cancelled => ProgramFailure::Cancelled { program: name.clone() },
            _ => ProgramFailure::Overran { program: name.clone(), limit, stderr: stderr.clone() },
        };
        // The keeper goes on. What waits in the kernel is gone only when that wait is over.
        desk.post(Post::Overran(QuiesceFailure::new(failure())));
        running.follow();
        let _ = running.reap();
        return failed(failure());
    }
    // What a program that ended well left running is meant to run, such as one that holds a database's lock. What a freeze
    // that failed left running may still freeze.
    if matches!(purpose, Purpose::Freeze(_)) && running.has_failed() {
        running.kill();
        running.follow();
    }
    match running.reap() {
        Ok(status) if status.success() => Outcome::Done,
        Ok(status) => failed(ProgramFailure::Failed { program: name, status, stderr: running.last_words() }),
        Err(source) => failed(ProgramFailure::NotStarted { program: name, source }),
    }
}

fn failed(failure: ProgramFailure) -> Outcome {
    Outcome::Failed(QuiesceFailure::new(failure))
}
