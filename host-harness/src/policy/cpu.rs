//! The processor time of a run, by the clock of whichever thread polls it.
//!
//! That clock stands still while the run waits, for an agent or for its turn on a busy machine, and goes on while the host
//! works for it: while it lifts arguments, makes random bytes or passes a line on. So it is not the extension's calls that
//! are measured but the polls of its future, each of which is on one thread from beginning to end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Adds up the processor time of one run.
#[derive(Clone, Default)]
pub(super) struct CpuMeter(Arc<Counters>);

/// Both in nanoseconds. Only the thread that polls the run touches them, so that no order has to be kept between them.
#[derive(Default)]
struct Counters {
    /// Of the polls that are over.
    counted: AtomicU64,
    /// The thread's clock at the beginning of the poll that is going on, which is never 0; 0 if there is none.
    began: AtomicU64,
}

impl CpuMeter {
    /// Counts the time that this future takes.
    pub(super) async fn measure<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| {
            self.0.began.store(thread_time(), Ordering::Relaxed);
            let poll = future.as_mut().poll(context);
            let used = self.since_began();
            self.0.began.store(0, Ordering::Relaxed);
            self.0.counted.fetch_add(used, Ordering::Relaxed);
            poll
        })
        .await
    }

    /// What was used until now. To be asked by the run itself, on the thread that polls it.
    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.0.counted.load(Ordering::Relaxed) + self.since_began())
    }

    fn since_began(&self) -> u64 {
        match self.0.began.load(Ordering::Relaxed) {
            0 => 0,
            began => thread_time().saturating_sub(began),
        }
    }
}

/// The processor time of this thread since its start, in nanoseconds.
fn thread_time() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // Never negative, and 0 is taken for "no poll is going on".
    (time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64).max(1)
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::thread;
    use std::time::Duration;

    use super::{CpuMeter, thread_time};

    fn compute(for_ms: u64) {
        let end = thread_time() + for_ms * 1_000_000;
        while black_box(thread_time()) < end {}
    }

    #[tokio::test]
    async fn computing_counts_while_it_goes_on_and_waiting_does_not() {
        let meter = CpuMeter::default();
        let asked = meter.clone();
        meter
            .measure(async {
                compute(20);
                assert!(asked.used() >= Duration::from_millis(20));
                // A thread that sleeps is not on a processor, as one that waits in the run queue is not.
                thread::sleep(Duration::from_millis(300));
                tokio::time::sleep(Duration::from_millis(300)).await;
                compute(20);
            })
            .await;
        let used = meter.used();
        compute(50);
        assert_eq!(meter.used(), used, "what others compute afterwards");
        assert!((Duration::from_millis(40)..Duration::from_millis(250)).contains(&used), "{used:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_moves_between_threads_is_added_up() {
        let meter = CpuMeter::default();
        let measured = meter.clone();
        let run = async move {
            for _ in 0..20 {
                compute(5);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::spawn(async move { measured.measure(run).await }).await.unwrap();
        let used = meter.used();
        assert!((Duration::from_millis(100)..Duration::from_secs(1)).contains(&used), "{used:?}");
    }
}
