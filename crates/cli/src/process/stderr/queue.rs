//! The messages that wait to be written. Its lock is held for moments only, never during a write.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::print::units::count;

/// Messages on their way from everybody to the one thread that writes.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Something was added, written, parked or resumed.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    messages: VecDeque<Message>,
    /// What the messages hold, together.
    bytes: usize,
    /// How many messages did not fit or could not be written since the last time that this was told.
    lost: usize,
    /// The last write failed. Then the next one waits for the next message: a reader that is gone does not come back.
    has_failed: bool,
    /// The line that changes.
    progress: Option<String>,
    progress_has_changed: bool,
    parked: usize,
    is_writing: bool,
    /// How many writes have ended.
    writes: u64,
}

struct Message {
    text: String,
    /// How many messages are lost with it: itself, or those that it counts.
    counts_for: usize,
}

/// Where the messages go.
pub(super) trait Sink {
    /// Writes a message, above the line that changes.
    fn write(&mut self, text: &str) -> io::Result<()>;
    /// Shows the line that changes, or takes it away.
    fn show(&mut self, progress: Option<&str>);
    /// Moves what shows that time passes.
    fn tick(&mut self);
}

enum Work {
    Write(Message),
    Show(Option<String>),
    Tick,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn push(&self, text: String) {
        let mut state = self.lock();
        // In the place of what was lost, so that everything stands in its order.
        let note = (state.lost > 0).then(|| Message::about_lost(state.lost));
        let length = text.len() + note.as_ref().map_or(0, |note| note.text.len());
        if state.bytes + length > MAX_BYTES {
            state.lost += 1;
        } else {
            state.lost = 0;
            state.bytes += length;
            state.messages.extend(note);
            state.messages.push_back(Message { text, counts_for: 1 });
        }
        self.changed.notify_all();
    }

    /// Only the newest line is kept, so a terminal that has stopped costs no memory.
    pub(super) fn set_progress(&self, line: Option<String>) {
        let mut state = self.lock();
        state.progress_has_changed |= state.progress != line;
        state.progress = line;
        self.changed.notify_all();
    }

    /// Nothing is written from now until the value is dropped. Waits for a write that has begun, up to this limit.
    pub(super) fn park(self: &Arc<Self>, limit: Duration) -> Parking {
        let mut state = self.lock();
        state.parked += 1;
        let waited = self.changed.wait_timeout_while(state, limit, |state| state.is_writing);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        Parking(Some(Arc::clone(self)))
    }

    pub(super) fn is_parked(&self) -> bool {
        self.lock().parked > 0
    }

    /// Waits until all is written, or nothing was written for this long. Returns at once while it is parked.
    pub(super) fn wait_until_written(&self, limit: Duration) {
        let mut state = self.lock();
        let (mut writes, mut until) = (state.writes, Instant::now() + limit);
        while state.parked == 0 && state.has_work() {
            if state.writes != writes {
                (writes, until) = (state.writes, Instant::now() + limit);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// All messages that wait, taken out of the queue.
    pub(super) fn take_all(&self) -> String {
        let mut state = self.lock();
        state.note_lost();
        state.bytes = 0;
        state.messages.drain(..).map(|message| message.text).collect()
    }

    /// Writes for as long as the process lives.
    pub(super) fn write_to(&self, sink: &mut impl Sink) {
        loop {
            let work = self.next();
            self.carry_out(work, sink);
        }
    }

    /// Writes what waits, where there is no thread for it.
    pub(super) fn write_on_this_thread(&self, sink: &mut impl Sink) {
        loop {
            // A statement of its own, so that the lock is not held during the write.
            let work = self.lock().take();
            let Some(work) = work else { return };
            self.carry_out(work, sink);
        }
    }

    fn carry_out(&self, work: Work, sink: &mut impl Sink) {
        let lost = match work {
            Work::Write(message) => sink.write(&message.text).err().map(|_| message.counts_for),
            Work::Show(progress) => {
                sink.show(progress.as_deref());
                None
            }
            Work::Tick => {
                sink.tick();
                None
            }
        };
        let mut state = self.lock();
        state.is_writing = false;
        state.writes += 1;
        state.has_failed = lost.is_some();
        state.lost += lost.unwrap_or_default();
        self.changed.notify_all();
    }

    fn next(&self) -> Work {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.take() {
                return work;
            }
            if state.progress.is_none() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.changed.wait_timeout(state, REDRAW_INTERVAL);
            let (again, outcome) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            if outcome.timed_out() && state.parked == 0 {
                state.is_writing = true;
                return Work::Tick;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_work(&self) -> bool {
        self.is_writing || !self.messages.is_empty() || self.progress_has_changed || self.tells_lost()
    }

    /// What is to be done next, if anything. From now on it counts as being written.
    fn take(&mut self) -> Option<Work> {
        if self.parked > 0 {
            return None;
        }
        if self.messages.is_empty() && self.tells_lost() {
            self.note_lost();
        }
        let work = match self.messages.pop_front() {
            Some(message) => {
                self.bytes -= message.text.len();
                Work::Write(message)
            }
            None if self.progress_has_changed => {
                self.progress_has_changed = false;
                Work::Show(self.progress.clone())
            }
            None => return None,
        };
        self.is_writing = true;
        Some(work)
    }

    /// Whether the count of what was lost is to be written without waiting for a further message.
    fn tells_lost(&self) -> bool {
        self.lost > 0 && !self.has_failed
    }

    fn note_lost(&mut self) {
        if self.lost > 0 {
            let note = Message::about_lost(self.lost);
            self.bytes += note.text.len();
            self.messages.push_back(note);
            self.lost = 0;
        }
    }
}

impl Message {
    fn about_lost(lost: usize) -> Self {
        let text = format!("({} lost here: standard error took no more)\n", count(lost, "message"));
        Self { text, counts_for: lost }
    }
}

/// Nothing is written while it lives.
pub(crate) struct Parking(Option<Arc<Queue>>);

impl Parking {
    pub(super) fn of_nothing() -> Self {
        Self(None)
    }

    /// Nothing is written any more: the process ends while something may be frozen.
    pub(crate) fn for_good(self) {
        std::mem::forget(self);
    }
}

impl Drop for Parking {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            let mut state = queue.lock();
            state.parked = state.parked.saturating_sub(1);
            queue.changed.notify_all();
        }
    }
}

/// Most bytes that wait: what a run says at the level of warnings in a month, and of traces in some minutes.
const MAX_BYTES: usize = 1024 * 1024;

/// Pause between two pictures of what shows that time passes.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests;
