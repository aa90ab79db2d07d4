//! What is kept for the next calls and ends by time: idle connections, and idle instances.
//!
//! Whatever was idle for its time is dropped then, and not only passed over when the next call looks for it: an agent
//! that is asked once a day must not hold a file descriptor and an instance's memory all day. One task per pool does
//! it, while something is idle or was a moment ago. It wakes when the oldest that it knew of is due.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;

/// A pool of idle things. Dropping it drops them, and ends its task.
pub(crate) struct IdlePool<T> {
    shared: Arc<Mutex<Entries<T>>>,
    terms: Terms<T>,
    attention: Arc<Attention>,
}

/// What may stay.
struct Terms<T> {
    max_idle: Duration,
    is_usable: fn(&mut T) -> bool,
}

/// Tells the task to look at what is idle before anything is due.
#[derive(Default)]
struct Attention(Notify);

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
    /// A pool that keeps nothing for longer than this, and nothing that is not usable.
    pub(crate) fn new(max_idle: Duration, is_usable: fn(&mut T) -> bool) -> Self {
        let entries = Entries { idle: VecDeque::new(), reaper: None };
        Self { shared: Arc::new(Mutex::new(entries)), terms: Terms { max_idle, is_usable }, attention: Arc::default() }
    }

    /// Has the pool look whether all that is idle is still usable.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.attention))
    }

    /// The one that was used last: a connection that was used a moment ago is the least likely to be stale, and the
    /// others are left to end by time. Whatever is not usable any more is dropped.
    pub(crate) fn take(&self) -> Option<T> {
        // Those that were used before it may not be usable either. They are looked at when they are next.
        let mut unusable = Vec::new();
        let mut entries = lock(&self.shared);
        while let Some(mut entry) = entries.idle.pop_back() {
            if self.terms.allow(&mut entry, Instant::now()) {
                return Some(entry.value);
            }
            unusable.push(entry);
        }
        // Not under the lock, here and below: dropping an instance unmaps its memory.
        drop(entries);
        None
    }

    /// Keeps one more, and at most `limit` in all. The longest idle are dropped: they would be the next to end.
    pub(crate) fn keep(&self, value: T, limit: usize) {
        let mut entries = lock(&self.shared);
        entries.idle.push_back(Entry { value, since: Instant::now() });
        let excess = entries.idle.len().saturating_sub(limit);
        let dropped: Vec<_> = entries.idle.drain(..excess).collect();
        self.start_reaper(&mut entries);
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
        let task = runtime.spawn(reap(Arc::downgrade(&self.shared), self.terms, Arc::clone(&self.attention)));
        entries.reaper = Some(AbortOnDropHandle::new(task));
    }
}

impl<T> Terms<T> {
    fn allow(&self, entry: &mut Entry<T>, now: Instant) -> bool {
        now.duration_since(entry.since) < self.max_idle && (self.is_usable)(&mut entry.value)
    }
}

impl<T> Clone for Terms<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Terms<T> {}

impl Wake for Attention {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Drops what may not stay, until nothing is idle.
async fn reap<T>(shared: Weak<Mutex<Entries<T>>>, terms: Terms<T>, attention: Arc<Attention>) {
    let mut may_wait = true;
    while let Some(next) = drop_due(&shared, terms, &mut may_wait) {
        // Whichever it was, all are looked at.
        let _ = timeout_at(next, attention.0.notified()).await;
    }
}

/// Drops what may not stay, and returns when to look again. None when nothing is idle: at once if that is because the last
/// one was dropped, and else the second time. Whoever makes one call after the other has the only one in use whenever this
/// looks, and would start a task for each call.
fn drop_due<T>(shared: &Weak<Mutex<Entries<T>>>, terms: Terms<T>, may_wait: &mut bool) -> Option<Instant> {
    let shared = shared.upgrade()?;
    let mut entries = lock(&shared);
    let now = Instant::now();
    let mut dropped = Vec::new();
    for _ in 0..entries.idle.len() {
        let Some(mut entry) = entries.idle.pop_front() else { break };
        match terms.allow(&mut entry, now) {
            true => entries.idle.push_back(entry),
            false => dropped.push(entry),
        }
    }
    let mut next = entries.idle.front().map(|entry| entry.since + terms.max_idle);
    if next.is_none() && dropped.is_empty() && *may_wait {
        next = Some(now + terms.max_idle);
        *may_wait = false;
    } else {
        *may_wait = true;
    }
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
    use std::sync::atomic::{AtomicBool, Ordering};

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
        let pool = IdlePool::new(MAX_IDLE, |_| true);
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
        let pool = IdlePool::new(MAX_IDLE, |_| true);
        pool.keep("used", 8);
        for _ in 0..10 {
            pass(MAX_IDLE * 2 / 3).await;
            let used = pool.take().expect("it was idle for less than its time");
            pool.keep(used, 8);
        }
        assert_eq!(tasks(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn one_call_after_the_other_needs_one_task_which_ends_when_nothing_comes_back() {
        let pool = IdlePool::new(MAX_IDLE, |_| true);
        pool.keep("used", 8);
        let first = lock(&pool.shared).reaper.as_ref().map(|reaper| reaper.abort_handle().id());
        for _ in 0..10 {
            let used = pool.take().expect("it is idle");
            pass(Duration::from_millis(1)).await;
            pool.keep(used, 8);
        }
        assert_eq!(lock(&pool.shared).reaper.as_ref().map(|reaper| reaper.abort_handle().id()), first);
        pool.take().expect("it is idle");
        pass(MAX_IDLE * 2).await;
        pass(MAX_IDLE * 2).await;
        assert_eq!(tasks(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_usable_any_more_is_dropped_when_the_pool_is_told_to_look() {
        let pool = IdlePool::new(MAX_IDLE, |flag: &mut Arc<AtomicBool>| flag.load(Ordering::Relaxed));
        let flags = [Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(true))];
        flags.iter().for_each(|flag| pool.keep(Arc::clone(flag), 8));
        pass(Duration::from_millis(1)).await;
        flags[0].store(false, Ordering::Relaxed);
        pass(Duration::from_millis(1)).await;
        assert_eq!(flags.each_ref().map(Arc::strong_count), [2, 2], "nobody has told it");
        pool.waker().wake();
        pass(Duration::from_millis(1)).await;
        assert_eq!(flags.each_ref().map(Arc::strong_count), [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pool_that_is_dropped_leaves_no_task() {
        let (pool, value) = (IdlePool::new(MAX_IDLE, |_| true), Arc::new(()));
        pool.keep(Arc::clone(&value), 8);
        drop(pool);
        assert_eq!(Arc::strong_count(&value), 1);
        pass(Duration::from_millis(1)).await;
        assert_eq!(tasks(), 0);
    }

    #[test]
    fn a_pool_outlives_the_runtime_that_it_was_filled_in() {
        let runtime = || Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let pool = IdlePool::new(MAX_IDLE, |_| true);
        runtime().block_on(async { pool.keep(1, 8) });
        runtime().block_on(async {
            pool.keep(2, 8);
            pass(MAX_IDLE + Duration::from_millis(2)).await;
            assert!(lock(&pool.shared).idle.is_empty());
        });
        // And none is needed.
        pool.keep(3, 8);
        assert_eq!(pool.take(), Some(3));
    }

    #[tokio::test]
    async fn the_last_that_is_usable_is_taken_and_no_more_are_kept_than_are_wanted() {
        for (limit, expected) in [(0, vec![]), (1, vec![4]), (2, vec![4]), (3, vec![4, 2])] {
            let pool = IdlePool::new(MAX_IDLE, |number| *number % 2 == 0);
            (1..=4).for_each(|number| pool.keep(number, limit));
            let taken: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
            assert_eq!(taken, expected, "of at most {limit}");
        }
    }
}
