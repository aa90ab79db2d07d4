//! The protocol of a connection, run by whoever waits for it.
//!
//! hyper's connection is a future that reads and writes the socket. In a task of its own, as hyper's documentation has it,
//! it and the call wake each other twice for each answer, and where the runtime has several threads each time perhaps another
//! one. Here the call polls it, and while it is idle, the task of the pool that it is kept in:
//!
//! ```text
//!  in use   socket ──wakes──▶ Signal ──▶ the call: polls the connection, and then what it waits for from it
//!  idle     socket ──wakes──▶ Signal ──▶ the pool: polls the connection, and drops it if it was closed
//!  dropped  a task of its own, which ends once hyper has closed the socket
//! ```

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;
use tokio::task::unconstrained;

/// How often a connection is polled again at once, because something was to be done while it was. Then other tasks have
/// their turn: tokio ends a poll of a socket that is always ready by a wake-up, and that must not become a loop.
const MAX_ROUNDS: usize = 4;

/// hyper's side of a connection.
pub(super) struct Driver {
    /// None once it has ended.
    connection: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    signal: Arc<Signal>,
    /// Wakes the signal. The connection is polled with it, whoever polls, so that it need not learn who is waiting.
    waker: Waker,
    runtime: Handle,
}

impl Driver {
    /// To be called in the runtime to which the socket belongs.
    pub(super) fn new(connection: impl Future<Output = ()> + Send + 'static) -> Self {
        let signal = Arc::new(Signal::default());
        let waker = Waker::from(Arc::clone(&signal));
        Self { connection: Some(Box::pin(connection)), signal, waker, runtime: Handle::current() }
    }

    /// Runs the connection until the work is done, which waits for nothing else.
    pub(super) async fn run<T>(&mut self, work: Pin<&mut impl Future<Output = T>>) -> T {
        // It can only go on after the connection was polled, and is polled then. So nobody has to be woken for it; and tokio
        // must not end a poll of it early, because that is told by a wake-up.
        let mut work = unconstrained(work);
        let mut poll_work = move || Pin::new(&mut work).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(done) = poll_work() {
            return done;
        }
        poll_fn(|cx| {
            // What wakes while this polls is seen below, and the task need not run again for it.
            self.signal.forward_to(None);
            for _ in 0..MAX_ROUNDS {
                self.poll();
                let done = poll_work();
                if done.is_ready() || !self.signal.forward_to(Some(cx.waker())) {
                    return done;
                }
                self.signal.forward_to(None);
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    /// From now on the connection is idle. Whoever keeps it is woken when there is a reason to [poll](Self::poll_if_woken) it.
    pub(super) fn set_idle(&mut self, keeper: &Waker) {
        // What has happened by now is told to nobody.
        if self.signal.forward_to(Some(keeper)) {
            self.poll();
        }
    }

    /// The connection is not idle any more: what happens on it does not concern who kept it.
    pub(super) fn set_in_use(&mut self) {
        self.signal.forward_to(None);
    }

    /// Polls the connection if there is a reason to.
    pub(super) fn poll_if_woken(&mut self) {
        if self.signal.is_set() {
            self.poll();
        }
    }

    fn poll(&mut self) {
        self.signal.clear();
        let Some(connection) = &mut self.connection else { return };
        if connection.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
            self.connection = None;
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // hyper closes the socket by itself, with the farewell that TLS asks for, once nobody can send requests any more.
        if let Some(connection) = self.connection.take() {
            self.runtime.spawn(connection);
        }
    }
}

/// Whether there is a reason to poll, and whom to tell.
#[derive(Default)]
struct Signal(Mutex<SignalState>);

#[derive(Default)]
struct SignalState {
    is_set: bool,
    waker: Option<Waker>,
}

impl Signal {
    fn clear(&self) {
        self.lock().is_set = false;
    }

    fn is_set(&self) -> bool {
        self.lock().is_set
    }

    /// Whom to tell from now on. True if there is a reason to poll already, of which nobody is told.
    fn forward_to(&self, waker: Option<&Waker>) -> bool {
        let mut state = self.lock();
        state.waker = waker.cloned();
        state.is_set
    }

    fn lock(&self) -> MutexGuard<'_, SignalState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waker = {
            let mut state = self.lock();
            // One reason is told once. Whoever is told polls, and is told of the next.
            let is_told = mem::replace(&mut state.is_set, true);
            state.waker.clone().filter(|_| !is_told)
        };
        // Not under the lock: the waker may be that of a task which polls at once.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;
    use tokio::task::yield_now;

    use super::{Arc, Driver, Poll, Wake, Waker};

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn a_connection_that_always_has_something_to_do_lets_others_have_their_turn() {
        let mut driver = Driver::new(poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        }));
        let other = async {
            for _ in 0..3 {
                yield_now().await;
            }
        };
        let never = pin!(pending());
        tokio::select! {
            biased;
            () = driver.run(never) => unreachable!("it waits for nothing that happens"),
            () = other => {}
        }
    }

    #[tokio::test]
    async fn work_goes_on_with_the_connection_and_ends_with_it() {
        let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (asked, answered) = (Arc::clone(&first), Arc::clone(&second));
        let mut driver = Driver::new(async move {
            asked.notified().await;
            yield_now().await;
            answered.notify_one();
            pending().await
        });
        let work = async {
            first.notify_one();
            second.notified().await;
            "done"
        };
        assert_eq!(driver.run(pin!(work)).await, "done");
    }

    #[tokio::test]
    async fn whoever_keeps_it_is_told_while_it_rests_and_not_after() {
        let events = Arc::new(Notify::new());
        let happens = Arc::clone(&events);
        let mut driver = Driver::new(async move {
            loop {
                happens.notified().await;
            }
        });
        let mut has_waited = false;
        driver
            .run(pin!(poll_fn(move |_| match std::mem::replace(&mut has_waited, true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            })))
            .await;
        let keeper = Arc::new(Count::default());
        driver.set_idle(&Waker::from(Arc::clone(&keeper)));
        for times in 1..=3 {
            events.notify_one();
            assert_eq!(keeper.0.load(Ordering::Relaxed), times);
            driver.poll_if_woken();
        }
        driver.set_in_use();
        events.notify_one();
        assert_eq!(keeper.0.load(Ordering::Relaxed), 3, "it is somebody else's");
        driver.set_idle(&Waker::from(Arc::clone(&keeper)));
        events.notify_one();
        assert_eq!(keeper.0.load(Ordering::Relaxed), 4, "what happened meanwhile was done");
    }

    #[tokio::test]
    async fn what_is_dropped_is_run_to_its_end() {
        let (tell, told) = tokio::sync::oneshot::channel();
        drop(Driver::new(async move {
            yield_now().await;
            tell.send(()).unwrap();
        }));
        told.await.unwrap();
    }
}
