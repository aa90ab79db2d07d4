//! Threads that are started before anything is frozen, and do what may hang.
//!
//! A worker takes one order at a time. Whoever gave it waits on the [`Bell`], with a limit, and never for the worker: one
//! that hangs in the kernel costs a thread and nothing else. Giving an order, waiting and taking the result allocate
//! nothing and make no system call but futex and a write to an eventfd.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::Notify;

use crate::device::Device;
use crate::error::QuiesceFailure;
use crate::pulse::Pulse;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, PoisonError, now, thread, wait_timeout};

/// Rung when something has changed that the keeper may wait for.
#[derive(Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
    pub(crate) pulse: Pulse,
}

/// What the worker of an application is to do.
pub(crate) enum Order {
    /// Find out what is to be frozen.
    Prepare,
    /// Freeze; what is started carries this marker.
    Freeze(Arc<str>),
    Thaw,
}

/// What came of an order.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is done.
    Done,
    /// The file system to be frozen is this one.
    Prepared(Device),
    /// A thaw found that nothing was frozen.
    NotFrozen,
    /// The freeze failed, and certainly froze nothing: a thaw could only thaw what somebody else froze.
    NotBegun(QuiesceFailure),
    /// It failed, and what it did meanwhile is not known.
    Failed(QuiesceFailure),
}

/// What a worker tells before the order has come to its end.
#[derive(Debug)]
pub(crate) enum Post {
    /// All stands still. The worker watches over it.
    Frozen,
    /// The time is over, what was started has been killed, and its end is waited for.
    Overran(QuiesceFailure),
}

/// The keeper's end of a worker. The thread ends when this is dropped and its order is done.
pub(crate) struct Worker<J> {
    desk: Arc<Desk<J>>,
}

/// What keeper and worker share.
pub(crate) struct Desk<J> {
    state: Mutex<State<J>>,
    ordered: Condvar,
    bell: Arc<Bell>,
    /// Set by the keeper, to end the order early.
    pub(crate) cancel: Cancel,
}

struct State<J> {
    order: Option<J>,
    is_busy: bool,
    posted: Option<Post>,
    outcome: Option<Outcome>,
    is_closed: bool,
}

/// A request to end what is going on, that can be waited for in poll(2) and in async code.
pub(crate) struct Cancel {
    is_set: AtomicBool,
    event: OwnedFd,
    notify: Notify,
}

impl Bell {
    pub(crate) fn ring(&self) {
        *lock(&self.rings) += 1;
        // All: the keeper, a signal's thread and a recovery may wait at once, for different things.
        self.rung.notify_all();
    }

    /// For the keeper: asks again after each ring until there is an answer, or it is this late. Whoever wants to know whether
    /// the keeper lives rings, and is answered here, whatever the keeper waits for.
    pub(crate) fn wait<T>(&self, until: Option<Instant>, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait_beside(until, || {
            self.pulse.beat();
            answer()
        })
    }

    /// For anybody else.
    pub(crate) fn wait_beside<T>(&self, until: Option<Instant>, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
        loop {
            // Taken before asking: a ring that comes between the question and the wait is not missed.
            let seen = *lock(&self.rings);
            if let Some(answer) = answer() {
                return Some(answer);
            }
            let mut rings = lock(&self.rings);
            while *rings == seen {
                let Some(until) = until else {
                    rings = self.rung.wait(rings).unwrap_or_else(PoisonError::into_inner);
                    continue;
                };
                let left = until.saturating_duration_since(now());
                if left.is_zero() {
                    return None;
                }
                rings = wait_timeout(&self.rung, &self.rings, rings, left);
            }
        }
    }
}

impl<J: Send + 'static> Worker<J> {
    /// Starts the thread. `stack_size` in bytes; `None` for as much as a thread usually has.
    pub(crate) fn start(
        name: &str,
        bell: &Arc<Bell>,
        stack_size: Option<usize>,
        mut work: impl FnMut(J, &Desk<J>) -> Outcome + Send + 'static,
    ) -> io::Result<Self> {
        let state = State { order: None, is_busy: false, posted: None, outcome: None, is_closed: false };
        let (state, ordered) = (Mutex::new(state), Condvar::new());
        let desk = Arc::new(Desk { state, ordered, bell: Arc::clone(bell), cancel: Cancel::new()? });
        let builder = thread::Builder::new().name(name.to_owned());
        let builder = stack_size.into_iter().fold(builder, thread::Builder::stack_size);
        let theirs = Arc::clone(&desk);
        builder.spawn(move || theirs.serve(&mut work))?;
        Ok(Self { desk })
    }

    /// Gives an order, unless the last one is still being worked on. What that came to is forgotten.
    pub(crate) fn order(&self, order: J) -> bool {
        let mut state = lock(&self.desk.state);
        if state.is_busy {
            return false;
        }
        // Under the lock and before the order is there, so the worker never sees the cancel of the order before.
        self.desk.cancel.reset();
        *state = State { order: Some(order), is_busy: true, posted: None, outcome: None, is_closed: false };
        self.desk.ordered.notify_one();
        true
    }

    pub(crate) fn is_busy(&self) -> bool {
        lock(&self.desk.state).is_busy
    }

    pub(crate) fn take_post(&self) -> Option<Post> {
        lock(&self.desk.state).posted.take()
    }

    pub(crate) fn take_outcome(&self) -> Option<Outcome> {
        lock(&self.desk.state).outcome.take()
    }

    /// Asks the worker to end its order early.
    pub(crate) fn cancel(&self) {
        self.desk.cancel.set();
    }
}

impl<J> Drop for Worker<J> {
    fn drop(&mut self) {
        // Not joined: it may hang.
        lock(&self.desk.state).is_closed = true;
        self.desk.ordered.notify_one();
    }
}

impl<J> Desk<J> {
    /// Tells the keeper how far the order is.
    pub(crate) fn post(&self, post: Post) {
        lock(&self.state).posted = Some(post);
        self.bell.ring();
    }

    fn serve(&self, work: &mut dyn FnMut(J, &Self) -> Outcome) {
        while let Some(order) = self.next_order() {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(order, self)));
            let outcome = outcome.unwrap_or_else(|_| Outcome::Failed(QuiesceFailure::new("a worker panicked")));
            let mut state = lock(&self.state);
            (state.is_busy, state.outcome) = (false, Some(outcome));
            // Not under the lock: whoever is woken takes it at once.
            drop(state);
            self.bell.ring();
        }
    }

    fn next_order(&self) -> Option<J> {
        let mut state = lock(&self.state);
        loop {
            // An order that was given before the end is still done: it may be a thaw.
            if let Some(order) = state.order.take() {
                return Some(order);
            }
            if state.is_closed {
                return None;
            }
            state = self.ordered.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Cancel {
    fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { is_set: AtomicBool::new(false), event, notify: Notify::new() })
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Readable once it is set.
    pub(crate) fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// Done once it is set.
    pub(crate) async fn wait(&self) {
        while !self.is_set() {
            self.notify.notified().await;
        }
    }

    fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        // Keeps a permit for one who is about to wait.
        self.notify.notify_one();
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Only while the worker is idle, so that an order is never ended by what was meant for the one before.
    fn reset(&self) {
        self.is_set.store(false, Ordering::Release);
        let _ = rustix::io::read(&self.event, &mut [0_u8; 8]);
    }
}

/// The keeper must go on whatever has panicked: nothing here is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Half a MiB: enough to start a program, and a tenth of what it takes for a thread to cost anything.
pub(crate) const SMALL_STACK: Option<usize> = Some(512 * 1024);

#[cfg(test)]
mod tests;
