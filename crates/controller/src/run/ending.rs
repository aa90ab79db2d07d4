//! Tells once how a run has ended, also where it panics.

use crate::run::{RunEnd, RunState};

/// Tells of an end when it is dropped: of the one that it was given, or else that the run panicked.
pub(crate) struct Ending<F: FnOnce(&RunEnd)> {
    tell: Option<F>,
    end: Option<RunEnd>,
}

impl<F: FnOnce(&RunEnd)> Ending<F> {
    /// For a run that begins.
    pub(crate) fn new(tell: F) -> Self {
        Self { tell: Some(tell), end: None }
    }

    /// The run has ended so.
    pub(crate) fn end(mut self, end: RunEnd) -> RunEnd {
        self.end = Some(end.clone());
        end
    }
}

impl<F: FnOnce(&RunEnd)> Drop for Ending<F> {
    fn drop(&mut self) {
        let end = self.end.take().unwrap_or_else(|| RunEnd::new(RunState::Failed, "it panicked"));
        if let Some(tell) = self.tell.take() {
            tell(&end);
        }
    }
}
