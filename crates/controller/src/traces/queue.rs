//! What waits to be sent. Bounded by the number of spans; what does not fit is dropped and counted.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::RunTrace;
use crate::counters::{Counters, TraceOutcome};

/// Where traces are put.
pub(super) struct Queue {
    sender: UnboundedSender<Waiting>,
    room: Arc<Semaphore>,
    counters: Counters,
}

/// A trace that waits, or is being sent. It takes room until it is dropped.
pub struct Waiting {
    /// The trace.
    pub trace: RunTrace,
    _room: OwnedSemaphorePermit,
}

/// An empty queue, and the end of it that is read.
pub(super) fn queue(counters: Counters) -> (Queue, UnboundedReceiver<Waiting>) {
    let (sender, waiting) = unbounded_channel();
    (Queue { sender, room: Arc::new(Semaphore::new(MAX_WAITING_SPANS)), counters }, waiting)
}

impl Queue {
    /// Puts a trace there, or drops it. Returns at once.
    pub(super) fn put(&self, trace: RunTrace) {
        let spans = u32::try_from(trace.steps.len() + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(spans).ok();
        let is_put = room.is_some_and(|room| self.sender.send(Waiting { trace, _room: room }).is_ok());
        if !is_put {
            self.counters.traces_ended(TraceOutcome::Dropped, 1);
        }
    }
}

/// Spans that wait at most: those of seven long runs or of a thousand short ones, in less than a megabyte.
const MAX_WAITING_SPANS: usize = 8192;
