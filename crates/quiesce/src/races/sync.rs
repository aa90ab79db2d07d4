//! What `crate::sync` is here. Time passes when the scheduler says so: a limited wait may end at any of its steps, and the
//! clock is then at the limit. A limit of [`NEVER`] is none, so that who is not woken waits for ever and is found.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use shuttle::rand::{Rng, thread_rng};
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, PoisonError, atomic};

pub(crate) use tokio::sync::oneshot;

/// Tokio's, each use a step of its own.
pub(crate) mod watch {
    use tokio::sync::watch;
    pub(crate) use tokio::sync::watch::{Receiver, Ref};

    #[derive(Default)]
    pub(crate) struct Sender<T>(watch::Sender<T>);

    pub(crate) fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = watch::channel(value);
        (Sender(sender), receiver)
    }

    impl<T> Sender<T> {
        pub(crate) fn borrow(&self) -> Ref<'_, T> {
            super::step();
            self.0.borrow()
        }

        pub(crate) fn subscribe(&self) -> Receiver<T> {
            super::step();
            self.0.subscribe()
        }

        pub(crate) fn send_modify(&self, modify: impl FnOnce(&mut T)) {
            super::step();
            self.0.send_modify(modify);
        }

        pub(crate) fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
            super::step();
            self.0.send_if_modified(modify)
        }

        /// Not a step: it is part of one, under the lock of another channel.
        pub(crate) fn send_replace(&self, value: T) -> T {
            self.0.send_replace(value)
        }
    }
}

pub(crate) mod thread {
    pub(crate) use shuttle::thread::{Builder, JoinHandle, spawn, yield_now};

    pub(crate) fn sleep(time: std::time::Duration) {
        super::advance(time);
        yield_now();
    }
}

thread_local! {
    /// When the program began, and how much time has passed since for all that it runs: they share one thread.
    static CLOCK: Cell<(Option<Instant>, Duration)> = const { Cell::new((None, Duration::ZERO)) };
}

pub(crate) fn now() -> Instant {
    CLOCK.with(|clock| {
        let (begun, passed) = clock.get();
        let begun = begun.unwrap_or_else(Instant::now);
        clock.set((Some(begun), passed));
        begun + passed
    })
}

/// Another thread may go on here.
pub(crate) fn step() {
    shuttle::thread::sleep(Duration::ZERO);
}

fn advance(time: Duration) {
    CLOCK.with(|clock| {
        let (begun, passed) = clock.get();
        clock.set((begun, passed + time));
    });
}

/// Whether a wait of this length ends now.
fn passes(limit: Duration) -> bool {
    // One in eight: often enough for every limit to be met in some schedules, and seldom enough for the work to be done.
    let passes = thread_rng().gen_ratio(1, 8);
    if passes {
        advance(limit);
    }
    passes
}

pub(crate) fn wait_timeout<'a, T>(
    condvar: &Condvar,
    mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    limit: Duration,
) -> MutexGuard<'a, T> {
    if limit >= NEVER / 2 {
        return condvar.wait(guard).unwrap_or_else(PoisonError::into_inner);
    }
    // Shuttle's condition variable knows no time. A wait that returns for no reason is allowed.
    drop(guard);
    passes(limit);
    thread::yield_now();
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time is over.
#[derive(Debug)]
pub(crate) struct Elapsed;

pub(crate) async fn timeout<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if limit >= NEVER / 2 {
            return Poll::Pending;
        }
        if passes(limit) {
            return Poll::Ready(Err(Elapsed));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

pub(crate) struct Runtime;

impl Runtime {
    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        shuttle::future::block_on(future)
    }
}

pub(crate) fn runtime() -> io::Result<Runtime> {
    Ok(Runtime)
}

/// A year.
pub(crate) const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);
