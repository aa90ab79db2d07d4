//! Forgets what is too old or too much, once an hour.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::config::places::Retention;
use crate::store::{Store, StoreError};

/// Forgets for ever: to be aborted at the end of the process.
pub async fn forget(clock: Arc<dyn Clock>, store: Store, retention: watch::Receiver<Retention>) {
    loop {
        let Retention { keep_for, keep_runs } = *retention.borrow();
        // What is not forgotten now, because the disk is full or frozen, is forgotten in an hour.
        if let Err(why) = forget_once(clock.as_ref(), &store, keep_for, keep_runs).await {
            tracing::warn!(error = %why, "the history was not shortened");
        }
        clock.sleep(BETWEEN).await;
    }
}

async fn forget_once(clock: &dyn Clock, store: &Store, keep_for: Duration, keep_runs: u64) -> Result<(), StoreError> {
    let keep_for = SignedDuration::try_from(keep_for).unwrap_or(SignedDuration::MAX);
    let before = clock.now().checked_sub(keep_for).unwrap_or(Timestamp::MIN);
    let keep_events = keep_runs.saturating_mul(EVENTS_OF_A_RUN);
    loop {
        let runs = store.writer().write(move |tx| tx.forget_runs(before, keep_runs)).await?;
        let events = store.writer().write(move |tx| tx.forget_events(before, keep_events)).await?;
        let points = store.writer().write(|tx| tx.forget_samples()).await?;
        if runs + events + points == 0 {
            return Ok(());
        }
        // Lets others write, and the log of the store be written back.
        clock.sleep(BETWEEN_BITES).await;
    }
}

/// Often enough that little comes together.
const BETWEEN: Duration = Duration::from_secs(60 * 60);
/// A tenth of the time is spent on forgetting, at most.
const BETWEEN_BITES: Duration = Duration::from_millis(100);
/// A run has three or four events; schedules and findings have some.
const EVENTS_OF_A_RUN: u64 = 10;

#[cfg(test)]
mod tests;
