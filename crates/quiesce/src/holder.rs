//! A program that holds a freeze in a session of its own.
//!
//! It freezes, prints the line `frozen`, and thaws when its standard input closes. So it also thaws when this process dies.
//! One that does not end in its time is killed, so it should freeze only what ends with it, as a session's lock does: a
//! holder that has ended is taken to hold nothing any more.

use std::time::{Duration, Instant};

use crate::error::QuiesceFailure;
use crate::program::{Program, ProgramFailure};
use crate::running::{Purpose, Running, Woken};
use crate::worker::{Desk, Order, Outcome, Post};

/// Why a holder does not hold. What [`ProgramFailure`] does not know.
#[derive(Debug, thiserror::Error)]
enum HolderFailure {
    #[error("{program} ended with {status} and did not print the line \"frozen\"{}", colon(stderr))]
    NeverFroze { program: String, status: String, stderr: String },
    #[error("{program} ended with {status} while it should have held{}", colon(stderr))]
    LetGo { program: String, status: String, stderr: String },
}

/// Runs it from the freeze until it has ended. The keeper's cancel closes its standard input.
pub(crate) fn hold(program: &Program, role: &str, marker: &str, desk: &Desk<Order>) -> Outcome {
    let name = program.described(role);
    let mut running = match Running::start(program, Purpose::Hold(marker)) {
        Ok(running) => running,
        Err(source) => return failed(ProgramFailure::NotStarted { program: name, source }),
    };
    let until = Instant::now() + program.timeout();
    match running.wait(Some(until), Some(&desk.cancel), Some("frozen")) {
        Woken::Line => {}
        Woken::Ended => return never_froze(&mut running, name),
        woken => {
            let limit = program.timeout();
            let failure = match woken {
                Woken::Cancelled => ProgramFailure::Cancelled { program: name },
                _ => ProgramFailure::Overran { program: name, limit, stderr: running.last_words() },
            };
            desk.post(Post::Overran(QuiesceFailure::new(failure)));
            // It may yet freeze. Then it finds its input closed, and thaws.
            let_go(&mut running, limit);
            return end(&mut running, |_, _| Outcome::Done);
        }
    }
    desk.post(Post::Frozen);
    let let_go = running.wait(None, Some(&desk.cancel), None) == Woken::Ended;
    if let_go {
        return end(&mut running, |status, stderr| {
            Outcome::Failed(QuiesceFailure::new(HolderFailure::LetGo { program: name, status, stderr }))
        });
    }
    thaw(program, name, running)
}

fn thaw(program: &Program, name: String, mut running: Running) -> Outcome {
    let limit = program.timeout();
    if !let_go(&mut running, limit) {
        return end(&mut running, |_, stderr| failed(ProgramFailure::Overran { program: name, limit, stderr }));
    }
    if running.has_failed() {
        running.follow();
        return match running.reap() {
            Ok(status) => failed(ProgramFailure::Failed { program: name, status, stderr: running.last_words() }),
            Err(source) => failed(ProgramFailure::NotStarted { program: name, source }),
        };
    }
    end(&mut running, |_, _| Outcome::Done)
}

/// Closes its input, gives it its time to thaw, and then asks it to end. Whether it has thawed by itself.
fn let_go(running: &mut Running, limit: Duration) -> bool {
    running.close_input();
    if running.wait(Some(Instant::now() + limit), None, None) == Woken::Ended {
        return true;
    }
    // SIGTERM first: it lets a client of a database end its session, which a server may else keep until a time-out.
    running.terminate();
    running.wait(Some(Instant::now() + GRACE), None, None);
    false
}

fn never_froze(running: &mut Running, program: String) -> Outcome {
    end(running, |status, stderr| {
        Outcome::Failed(QuiesceFailure::new(HolderFailure::NeverFroze { program, status, stderr }))
    })
}

/// When nothing of it is alive.
fn end(running: &mut Running, outcome: impl FnOnce(String, String) -> Outcome) -> Outcome {
    running.kill();
    running.follow();
    let status = running.reap().map_or_else(|why| why.to_string(), |status| status.to_string());
    outcome(status, running.last_words())
}

fn failed(failure: ProgramFailure) -> Outcome {
    Outcome::Failed(QuiesceFailure::new(failure))
}

fn colon(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

/// Between SIGTERM and SIGKILL, for a holder that did not thaw in its time: long enough to end a session in order.
const GRACE: Duration = Duration::from_secs(2);
