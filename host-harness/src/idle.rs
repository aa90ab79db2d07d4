//! What is kept for the next calls and ends by time: idle connections, and idle instances.
//!
//! Whatever was idle for its time is dropped then, and not only passed over when the next call looks for it: an agent
//! that is asked once a day must not hold a file descriptor and an instance's memory all day. One task per pool does
//! it, and only while something is idle. It wakes when the oldest that it knew of is due.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// A pool of idle things. Dropping it drops them, and ends its task.
pub(crate) struct IdlePool<T> {
    shared: Arc<Mutex<Entries<T>>>,
    max_idle: Duration,
}

struct Entries<T> {
    /// By the time since when they are idle, the longest first.
    idle: VecDeque<Entry<T>>,
    /// The task that drops what is due. None while nothing is idle.
    reaper: Option<AbortOnDropHandle<()>>,
}

struct Entry<T> {
    value: T,
    since: Instant,
}

impl<T: Send + 'static> IdlePool<T> {
    /// A pool that keeps nothing for longer than this.
    pub(crate) fn new(max_idle: Duration) -> Self {
        let entries = Entries { idle: VecDeque::new(), reaper: None };
        Self { shared: Arc::new(Mutex::new(entries)), max_idle }
    }

    /// The one that was used last: a connection that was used a moment ago is the least likely to be stale, and the
    /// others are left to end by time. Whatever is not usable any more is dropped.
    pub(crate) fn take(&self, is_usable: impl Fn(&T) -> bool) -> Option<T> {
        let now = Instant::now();
        let mut entries = lock(&self.shared);
        entries.idle.retain(|entry| is_usable(&entry.value) && now.duration_since(entry.since) < self.max_idle);
        entries.idle.pop_back().map(|entry| entry.value)
    }

    /// Keeps one more, and at most `limit` in all. The longest idle are dropped: they would be the next to end.
    pub(crate) fn keep(&self, value: T, limit: usize) {
        let mut entries = lock(&self.shared);
        entries.idle.push_back(Entry { value, since: Instant::now() });
        let excess = entries.idle.len().saturating_sub(limit);
        let dropped: Vec<_> = entries.idle.drain(..excess).collect();
        self.start_reaper(&mut entries);
        // Not under the lock: dropping an instance unmaps its memory.
        drop(entries);
        drop(dropped);
    }

    fn start_reaper(&self, entries: &mut Entries<T>) {
        // A task that has ended without saying so belonged to a runtime that is gone.
        let is_running = entries.reaper.as_ref().is_some_and(|reaper| !reaper.is_finished());
        if is_running || entries.idle.is_empty() {
            return;
        }
        // Without a runtime nothing can end by time, and `take` still passes over what is too old.
        let Ok(runtime) = Handle::try_current() else { return };
        // Weak, so that the task does not keep what it is to drop.
        let task = runtime.spawn(reap(Arc::downgrade(&self.shared), self.max_idle));
        entries.reaper = Some(AbortOnDropHandle::new(task));
    }
}

/// Drops what is due, until nothing is idle.
async fn reap<T>(shared: Weak<Mutex<Entries<T>>>, max_idle: Duration) {
    while let Some(next) = drop_due(&shared, max_idle) {
        sleep_until(next).await;
    }
}

/// Drops what is due now, and returns when the next one is.
fn drop_due<T>(shared: &Weak<Mutex<Entries<T>>>, max_idle: Duration) -> Option<Instant> {
    let shared = shared.upgrade()?;
    let mut entries = lock(&shared);
    let now = Instant::now();
    let due = entries.idle.partition_point(|entry| now.duration_since(entry.since) >= max_idle);
    let dropped: Vec<_> = entries.idle.drain(..due).collect();
    let next = entries.idle.front().map(|entry| entry.since + max_idle);
    if next.is_none() {
        // Under the same lock as the decision to end: whoever keeps something after this starts a new task. Detached,
        // because this is that very task, and dropping its handle would abort it.
        drop(entries.reaper.take().map(AbortOnDropHandle::detach));
    }
    drop(entries);
    drop(dropped);
    next
}

fn lock<T>(entries: &Mutex<Entries<T>>) -> MutexGuard<'_, Entries<T>> {
    entries.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::runtime::{Builder, Handle};
    use tokio::time::advance;

    use super::{Arc, Duration, IdlePool, lock};

    const MAX_IDLE: Duration = Duration::from_secs(60);

    fn tasks() -> usize {
        Handle::current().metrics().num_alive_tasks()
    }

    /// Lets this much time pass, and the tasks that are due then run.
    async fn pass(time: Duration) {
        advance(time).await;
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_dropped_when_its_time_is_over_and_the_task_ends_with_the_last() {
        let pool = IdlePool::new(MAX_IDLE);
        let [first, second] = [Arc::new(()), Arc::new(())];
        pool.keep(Arc::clone(&first), 8);
        pass(MAX_IDLE / 2).await;
        pool.keep(Arc::clone(&second), 8);
        pass(MAX_IDLE / 2 - Duration::from_millis(2)).await;
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second), tasks()), (2, 2, 1));
        pass(Duration::from_millis(4)).await;
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second), tasks()), (1, 2, 1));
        pass(MAX_IDLE / 2).await;
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second), tasks()), (1, 1, 0));
        // The next one has a task again.
        pool.keep(Arc::clone(&first), 8);
        pass(MAX_IDLE + Duration::from_millis(2)).await;
        assert_eq!((Arc::strong_count(&first), tasks()), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_in_use_does_not_end() {
        let pool = IdlePool::new(MAX_IDLE);
        pool.keep("used", 8);
        for _ in 0..10 {
            pass(MAX_IDLE * 2 / 3).await;
            let used = pool.take(|_| true).expect("it was idle for less than its time");
            pool.keep(used, 8);
        }
        assert_eq!(tasks(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pool_that_is_dropped_leaves_no_task() {
        let (pool, value) = (IdlePool::new(MAX_IDLE), Arc::new(()));
        pool.keep(Arc::clone(&value), 8);
        drop(pool);
        assert_eq!(Arc::strong_count(&value), 1);
        pass(Duration::from_millis(1)).await;
        assert_eq!(tasks(), 0);
    }

    #[test]
    fn a_pool_outlives_the_runtime_that_it_was_filled_in() {
        let runtime = || Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let pool = IdlePool::new(MAX_IDLE);
        runtime().block_on(async { pool.keep(1, 8) });
        runtime().block_on(async {
            pool.keep(2, 8);
            pass(MAX_IDLE + Duration::from_millis(2)).await;
            assert!(lock(&pool.shared).idle.is_empty());
        });
        // And none is needed.
        pool.keep(3, 8);
        assert_eq!(pool.take(|_| true), Some(3));
    }

    #[tokio::test]
    async fn the_last_that_is_usable_is_taken_and_no_more_are_kept_than_are_wanted() {
        for (limit, expected) in [(0, vec![]), (1, vec![4]), (2, vec![4]), (3, vec![4, 2])] {
            let pool = IdlePool::new(MAX_IDLE);
            (1..=4).for_each(|number| pool.keep(number, limit));
            let taken: Vec<_> = std::iter::from_fn(|| pool.take(|number| number % 2 == 0)).collect();
            assert_eq!(taken, expected, "of at most {limit}");
        }
    }
}
