//! Whether the keeper still goes round. A watchdog asks: one that nobody feeds any more ends the process, and the next
//! process thaws.
//!
//! Its atomics are those of `std` also where `races.rs` chooses the order of everything: the keeper decides nothing by them.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Questions are numbered, and the keeper notes the latest one that it has seen.
#[derive(Default)]
pub(crate) struct Pulse {
    asked: AtomicU64,
    seen: AtomicU64,
    beat: Notify,
}

impl Pulse {
    /// Asks. The bell is to be rung afterwards.
    pub(crate) fn ask(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// On the keeper's thread. Two loads where nobody has asked.
    pub(crate) fn beat(&self) {
        let asked = self.asked.load(Ordering::Acquire);
        if self.seen.load(Ordering::Relaxed) != asked {
            self.seen.store(asked, Ordering::Release);
            self.beat.notify_waiters();
        }
    }

    /// Done once the keeper has seen this question.
    pub(crate) async fn is_seen(&self, question: u64) {
        loop {
            // Registered before the look: a beat that comes between the two is not missed.
            let mut beat = std::pin::pin!(self.beat.notified());
            beat.as_mut().enable();
            if self.seen.load(Ordering::Acquire) >= question {
                return;
            }
            beat.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::coordinator::Coordinator;
    use crate::parked::Parked;
    use crate::settings::Settings;
    use crate::shared::Shared;
    use crate::sync::now;
    use crate::test_applications::Applications;

    /// Reached only if something never happens.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(30);

    #[tokio::test]
    async fn a_keeper_answers_while_nothing_is_frozen_while_something_is_and_between_thaws_that_do_not_work() {
        let (applications, dir) = (Applications::never_thawed([]), tempfile::tempdir().unwrap());
        let settings = Settings { first_pause: LONG, longest_pause: LONG, ..Settings::default() };
        let coordinator = Coordinator::open(dir.path().join("journal"), applications, settings).unwrap();
        assert!(coordinator.answers_within(LONG).await);
        let lease = coordinator.freeze("nightly", &Parked::nothing_to_park()).await.unwrap();
        assert!(coordinator.answers_within(LONG).await);
        drop(lease);
        while coordinator.status().is_some_and(|status| status.attempts == 0) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Sooner than its pause ends.
        assert!(coordinator.answers_within(LONG / 2).await);
    }

    #[tokio::test]
    async fn nobody_answers_for_a_keeper_that_does_not_go_round() {
        let shared = Shared::new(Settings::default());
        let coordinator = Coordinator::of(Arc::clone(&shared));
        let waiting = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.bell.wait_beside(Some(now() + 3 * SHORT), || None::<()>)
        });
        assert!(!coordinator.answers_within(SHORT).await);
        waiting.join().unwrap();
        assert!(!coordinator.answers_within(SHORT).await);
    }
}
