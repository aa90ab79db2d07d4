//! Who may be in the file: any number of readers, or nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets readers in, unless it is closed.
#[derive(Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    inside: usize,
    closed: usize,
    since: Option<Instant>,
}

/// One reader is in the file while this lives.
pub(super) struct Inside(Arc<Gate>);

/// No reader is in the file while this lives.
pub(super) struct Closed(Arc<Gate>);

impl Gate {
    /// Enters, or says for how long the gate has been closed.
    pub(super) fn enter(gate: &Arc<Self>) -> Result<Inside, Duration> {
        let mut state = gate.lock();
        match state.since {
            Some(since) => Err(since.elapsed()),
            None => {
                state.inside += 1;
                Ok(Inside(Arc::clone(gate)))
            }
        }
    }

    /// For how long it has been closed; none while it is open.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        self.lock().since.map(|since| since.elapsed())
    }

    /// Lets nobody in any more, and waits until those inside have left.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a disk stands still is a matter of the machine, not of schedules"
    )]
    pub(super) fn close(gate: &Arc<Self>) -> Closed {
        let mut state = gate.lock();
        state.closed += 1;
        state.since.get_or_insert_with(Instant::now);
        let _state = gate.left.wait_while(state, |state| state.inside > 0).unwrap_or_else(PoisonError::into_inner);
        Closed(Arc::clone(gate))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.left.notify_all();
    }
}

impl Drop for Closed {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.closed -= 1;
        if state.closed == 0 {
            state.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::{Arc, Gate};

    #[test]
    fn whoever_closes_waits_for_those_inside_and_keeps_others_out() {
        let gate = Arc::new(Gate::default());
        let inside = Gate::enter(&gate).ok().unwrap();
        let closing = thread::spawn({
            let gate = Arc::clone(&gate);
            move || Gate::close(&gate)
        });
        while Gate::enter(&gate).is_ok() {
            thread::yield_now();
        }
        assert!(!closing.is_finished(), "somebody is inside");
        drop(inside);
        let closed = closing.join().unwrap();
        assert!(Gate::enter(&gate).is_err());
        drop(closed);
        assert!(Gate::enter(&gate).is_ok());
    }
}
