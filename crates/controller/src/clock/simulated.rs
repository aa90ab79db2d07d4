//! A clock that moves only when it is told to: for tests, and for the simulation of a year.
//!
//! It is driven from a task of the same single-threaded runtime as the sleepers. [`VirtualClock::run_for`] stops at each
//! instant at which somebody wakes, and goes on when all of them have been polled, so that each sees the time it slept
//! for, and what it sleeps for next comes in order.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, Monotonic, Sleep};

/// A clock that moves only when it is told to. Clones share their time.
#[derive(Clone)]
pub struct VirtualClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Timestamp,
    monotonic: Monotonic,
    /// By the instant at which they wake, and then in the order in which they went to sleep.
    sleepers: BTreeMap<(Monotonic, u64), Waker>,
    next_id: u64,
}

impl VirtualClock {
    /// A clock whose wall clock shows this instant.
    pub fn new(now: Timestamp) -> Self {
        let state = State { now, monotonic: Monotonic::default(), sleepers: BTreeMap::new(), next_id: 0 };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Sets the wall clock forward or back. Nobody who sleeps is woken: they sleep by the monotonic clock.
    pub fn jump(&self, by: SignedDuration) {
        let mut state = self.lock();
        state.now = state.now.checked_add(by).unwrap_or(state.now);
    }

    /// Moves both clocks at once, and wakes everybody whose time has come, in order. All of them see the new time, as
    /// after a machine was suspended.
    pub fn advance(&self, by: Duration) {
        let to = self.monotonic() + by;
        self.move_to(to);
    }

    /// Lets the time pass: stops at each instant at which somebody wakes, until they have all been polled.
    ///
    /// Whoever sleeps must be polled when woken, as a task that awaits the sleep is, or drop it; otherwise this does not
    /// end.
    pub async fn run_for(&self, by: Duration) {
        let end = self.monotonic() + by;
        loop {
            // Whoever was started or woken just now runs until it waits again, and may go to sleep by that. One that is not
            // polled yet is still in the list, and is waited for by another round.
            tokio::task::yield_now().await;
            let Some(wake) = self.next_wake().filter(|&wake| wake <= end) else { break };
            self.move_to(wake);
        }
        self.move_to(end);
    }

    /// How long until somebody wakes; none where nobody sleeps.
    pub fn until_next_wake(&self) -> Option<Duration> {
        Some(self.next_wake()?.since(self.monotonic()))
    }

    fn next_wake(&self) -> Option<Monotonic> {
        self.lock().sleepers.keys().next().map(|&(wake, _)| wake)
    }

    fn move_to(&self, to: Monotonic) {
        let woken: Vec<_> = {
            let mut state = self.lock();
            let by = SignedDuration::try_from(to.since(state.monotonic)).unwrap_or_default();
            state.now = state.now.checked_add(by).unwrap_or(state.now);
            state.monotonic = state.monotonic.max(to);
            // They stay in the list until they are polled or dropped: `run_for` waits for that.
            state.sleepers.iter().filter(|((wake, _), _)| *wake <= to).map(|(_, waker)| waker.clone()).collect()
        };
        // Outside of the lock: a waker may run code that asks for the time.
        woken.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn monotonic(&self) -> Monotonic {
        self.lock().monotonic
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        Box::pin(Sleeper { key: (state.monotonic + duration, id), clock: self.clone() })
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VirtualClock({})", self.now())
    }
}

struct Sleeper {
    key: (Monotonic, u64),
    clock: VirtualClock,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.lock();
        if self.key.0 <= state.monotonic {
            state.sleepers.remove(&self.key);
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn clock() -> VirtualClock {
        VirtualClock::new("2026-01-01T00:00:00Z".parse().unwrap())
    }

    /// Sleeps for these times one after the other, and writes down when it woke.
    fn sleep_in_turn(clock: &VirtualClock, name: &'static str, seconds: &'static [u32], log: &Arc<Mutex<Vec<String>>>) {
        let (clock, log) = (clock.clone(), Arc::clone(log));
        tokio::spawn(async move {
            for &pause in seconds {
                clock.sleep(pause * SECOND).await;
                log.lock().unwrap().push(format!("{name} {}", clock.monotonic().since(Monotonic::default()).as_secs()));
            }
        });
    }

    #[tokio::test]
    async fn sleepers_wake_in_order_and_each_sees_its_own_time() {
        let clock = clock();
        let log = Arc::new(Mutex::new(Vec::new()));
        sleep_in_turn(&clock, "a", &[3, 4, 100], &log);
        sleep_in_turn(&clock, "b", &[2, 2, 2], &log);
        clock.run_for(10 * SECOND).await;
        assert_eq!(*log.lock().unwrap(), ["b 2", "a 3", "b 4", "b 6", "a 7"]);
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:10Z");
        assert_eq!(clock.until_next_wake(), Some(97 * SECOND));
    }

    #[tokio::test]
    async fn what_a_sleeper_sets_going_sees_the_time_at_which_it_woke() {
        let clock = clock();
        let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
        let second = clock.clone();
        let chain = tokio::spawn(async move {
            receiver.recv().await.unwrap();
            second.sleep(SECOND).await;
            second.now().to_string()
        });
        let first = clock.sleep(SECOND);
        tokio::spawn(async move {
            first.await;
            sender.send(()).await.unwrap();
        });
        clock.run_for(10 * SECOND).await;
        assert!(chain.is_finished());
        assert_eq!(chain.await.unwrap(), "2026-01-01T00:00:02Z");
    }

    #[tokio::test]
    async fn the_wall_clock_jumps_alone_and_wakes_nobody() {
        let clock = clock();
        let sleep = tokio::spawn(clock.sleep(10 * SECOND));
        clock.run_for(SECOND).await;
        clock.jump(SignedDuration::from_hours(-5));
        assert_eq!(clock.now().to_string(), "2025-12-31T19:00:01Z");
        clock.run_for(8 * SECOND).await;
        assert!(!sleep.is_finished());
        clock.run_for(SECOND).await;
        sleep.await.unwrap();
    }

    #[tokio::test]
    async fn after_a_suspension_everybody_sees_the_new_time() {
        let clock = clock();
        let log = Arc::new(Mutex::new(Vec::new()));
        sleep_in_turn(&clock, "a", &[5], &log);
        sleep_in_turn(&clock, "b", &[2], &log);
        clock.run_for(SECOND).await;
        clock.advance(3600 * SECOND);
        clock.run_for(Duration::ZERO).await;
        assert_eq!(*log.lock().unwrap(), ["b 3601", "a 3601"]);
    }

    #[tokio::test]
    async fn a_sleep_that_is_dropped_wakes_nobody() {
        let clock = clock();
        let sleep = tokio::spawn(clock.sleep(SECOND));
        clock.run_for(Duration::ZERO).await;
        assert_eq!(clock.until_next_wake(), Some(SECOND));
        sleep.abort();
        assert!(sleep.await.unwrap_err().is_cancelled());
        assert_eq!(clock.until_next_wake(), None);
    }
}
