//! An embedder's own freeze and thaw, each on a thread with a runtime of its own.
//!
//! Its futures are dropped at the end of their time. Code that blocks instead cannot be ended: it costs the thread, and the
//! keeper goes on without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::error::QuiesceFailure;
use crate::sync::{Runtime, timeout};
use crate::worker::{Desk, Order, Outcome};

/// A freeze or thaw that is going on.
pub type Quiescing<'a> = Pin<Box<dyn Future<Output = Result<(), QuiesceFailure>> + Send + 'a>>;

/// How a controller's applications are frozen and thawed. The [`Coordinator`](super::Coordinator) decides when.
///
/// The two never run at once. Either future may be dropped before its end, when its time is over or the holder is gone;
/// from then on nothing that it began may still freeze. Both must yield rather than block: a time-out cannot interrupt
/// code that does not.
pub trait Quiesce: Send + Sync + 'static {
    /// Freezes the applications: done when all stand still. Not tried again when it fails; [`thaw`](Self::thaw) follows.
    fn freeze(&self) -> Quiescing<'_>;

    /// Thaws the applications: done when all run again.
    ///
    /// Called until it worked, and also after a freeze that failed or never began, so it must be idempotent: what is not
    /// frozen is left alone, and that is no error.
    fn thaw(&self) -> Quiescing<'_>;
}

/// One attempt of this controller's code, within its time. A panic in it is a failure like others.
pub(crate) fn attempt<'a>(
    runtime: &Runtime,
    what: &str,
    limit: Duration,
    desk: &Desk<Order>,
    begin: impl FnOnce() -> Quiescing<'a>,
) -> Outcome {
    let outcome = runtime.block_on(async {
        tokio::select! {
            // The cancel first: code that is always ready would else never see it.
            biased;
            () = desk.cancel.wait() => Err(QuiesceFailure::new(format!("nobody waits for the {what} any more"))),
            outcome = timeout(limit, caught(what, begin)) => match outcome {
                Ok(outcome) => outcome,
                Err(_) => Err(QuiesceFailure::new(format!("the {what} took longer than {} ms", limit.as_millis()))),
            },
        }
    });
    outcome.map_or_else(Outcome::Failed, |()| Outcome::Done)
}

async fn caught<'a>(what: &str, begin: impl FnOnce() -> Quiescing<'a>) -> Result<(), QuiesceFailure> {
    let panicked = |_| QuiesceFailure::new(format!("the controller's {what} panicked"));
    let mut going_on = pin!(async { begin().await });
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| going_on.as_mut().poll(cx))) {
        Ok(poll) => poll,
        Err(panic) => Poll::Ready(Err(panicked(panic))),
    })
    .await
}
