//! Who may be in the file: any number of readers, or nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Counts the readers, and lets none in while it is closed.
#[derive(Default)]
pub(super) struct Readers {
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
pub(super) struct Inside(Arc<Readers>);

/// No reader is in the file while this lives.
pub(super) struct Closed(Arc<Readers>);

impl Readers {
    /// Enters, or says for how long none have been let in.
    pub(super) fn enter(readers: &Arc<Self>) -> Result<Inside, Duration> {
        let mut state = readers.lock();
        match state.since {
            Some(since) => Err(since.elapsed()),
            None => {
                state.inside += 1;
                Ok(Inside(Arc::clone(readers)))
            }
        }
    }

    /// For how long none have been let in; none while it is open.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        self.lock().since.map(|since| since.elapsed())
    }

    /// Lets nobody in any more, and waits until those inside have left.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a disk stands still is a matter of the machine, not of schedules"
    )]
    pub(super) fn close(readers: &Arc<Self>) -> Closed {
        let mut state = readers.lock();
        state.closed += 1;
        state.since.get_or_insert_with(Instant::now);
        let _state = readers.left.wait_while(state, |state| state.inside > 0).unwrap_or_else(PoisonError::into_inner);
        Closed(Arc::clone(readers))
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

    use super::{Arc, Readers};

    #[test]
    fn whoever_closes_waits_for_those_inside_and_keeps_others_out() {
        let readers = Arc::new(Readers::default());
        let inside = Readers::enter(&readers).ok().unwrap();
        let closing = thread::spawn({
            let readers = Arc::clone(&readers);
            move || Readers::close(&readers)
        });
        while Readers::enter(&readers).is_ok() {
            thread::yield_now();
        }
        assert!(!closing.is_finished(), "somebody is inside");
        drop(inside);
        let closed = closing.join().unwrap();
        assert!(Readers::enter(&readers).is_err());
        drop(closed);
        assert!(Readers::enter(&readers).is_ok());
    }
}
