//! Messages to the operator.

use alloc::string::String;

use crate::CallError;
use crate::bindings::felhom::agentapi::notify as host;

pub use host::{Notification, NotifyError, Severity};

/// Raises a key with a message. Somebody is told once, and again when severity, title or text change. Needs the grant
/// `notify.send`.
///
/// # Errors
///
/// [`NotifyError`].
pub fn send(notification: &Notification) -> Result<(), CallError<NotifyError>> {
    host::send(notification).map_err(CallError::of("notify.send"))
}

/// Says that what a key was raised for is over. Returns whether it was raised. Needs the grant `notify.clear`.
///
/// # Errors
///
/// [`NotifyError`].
pub fn clear(key: &str) -> Result<bool, CallError<NotifyError>> {
    host::clear(key).map_err(CallError::of("notify.clear"))
}

impl Notification {
    /// A message of one line.
    pub fn new(key: impl Into<String>, severity: Severity, title: impl Into<String>) -> Self {
        Self { key: key.into(), severity, title: title.into(), text: String::new() }
    }

    /// The same with more to say.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}
