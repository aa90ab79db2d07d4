//! What a run does, kept to be compared: its calls, its log, its messages.

use std::sync::{Mutex, PoisonError};

use agentapi_host::policy::{CallObserver, Level, Log, Notification, NotificationFuture, Notifications, ObservedCall};

/// Keeps calls and lines of one run.
#[derive(Default)]
pub(crate) struct Recorder {
    calls: Mutex<Vec<ObservedCall>>,
    lines: Mutex<Vec<(Level, String)>>,
}

impl Recorder {
    pub(crate) fn calls(&self) -> Vec<ObservedCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl CallObserver for Recorder {
    fn call(&self, call: &ObservedCall) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
    }
}

impl Log for Recorder {
    fn line(&self, _: &str, level: Level, line: &str) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push((level, line.to_owned()));
    }
}

/// Keeps the messages of a case over all its runs, and which of them somebody would have been told.
#[derive(Default)]
pub(crate) struct Messages(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    raised: Vec<Notification>,
    told: Vec<String>,
}

impl Messages {
    pub(crate) fn raised(&self) -> Vec<Notification> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).raised.clone()
    }

    /// The keys of what was told since this was asked last.
    pub(crate) fn take_told(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).told)
    }
}

impl Notifications for Messages {
    fn send(&self, _: &str, notification: &Notification) -> NotificationFuture<()> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is raised already and has not changed is told to nobody again.
        if !kept.raised.contains(notification) {
            kept.raised.retain(|other| other.key != notification.key);
            kept.raised.push(notification.clone());
            kept.told.push(notification.key.clone());
        }
        Box::pin(async { Ok(()) })
    }

    fn clear(&self, _: &str, key: &str) -> NotificationFuture<bool> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.raised.len();
        kept.raised.retain(|other| other.key != key);
        let was_raised = kept.raised.len() < before;
        Box::pin(async move { Ok(was_raised) })
    }
}
