//! Messages of extensions to the operator: what one is, and who takes it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::policy::line::check_line;

/// A message of an extension to the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// What it is about, such as `backup-stale`, in the extension's words.
    pub key: String,
    /// How much it matters.
    pub severity: NotificationSeverity,
    /// One line.
    pub title: String,
    /// The rest; may be empty.
    pub text: String,
}

/// How much a [`Notification`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NotificationSeverity {
    /// For information.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Somebody should look at it now.
    Critical,
}

/// Takes the messages of extensions, and tells somebody once until they change. Texts are within their bounds, and hold no
/// control characters but line ends in the text.
pub trait Notifications: Send + Sync + 'static {
    /// A key is raised with this message, perhaps again. Ready when the message is taken: whoever is told may be slow.
    fn send(&self, extension: &str, notification: &Notification) -> NotificationFuture<()>;

    /// A key is raised no more. Says whether it was.
    fn clear(&self, extension: &str, key: &str) -> NotificationFuture<bool>;
}

/// What [`Notifications`] return. The error is for the extension: why the message was not taken.
pub type NotificationFuture<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// Keeps what is raised in memory: for tests, and to show it after a run.
#[derive(Clone, Debug, Default)]
pub struct MemoryNotifications(Arc<Mutex<Vec<Notification>>>);

impl MemoryNotifications {
    /// What is raised, of all extensions, in the order in which it was raised or changed.
    pub fn raised(&self) -> Vec<Notification> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Notifications for MemoryNotifications {
    fn send(&self, _: &str, notification: &Notification) -> NotificationFuture<()> {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !raised.contains(notification) {
            raised.retain(|other| other.key != notification.key);
            raised.push(notification.clone());
        }
        Box::pin(async { Ok(()) })
    }

    fn clear(&self, _: &str, key: &str) -> NotificationFuture<bool> {
        let mut raised = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = raised.len();
        raised.retain(|other| other.key != key);
        let was_raised = raised.len() < before;
        Box::pin(async move { Ok(was_raised) })
    }
}

/// Why a message cannot be sent, whoever takes it.
pub(super) fn check(notification: &Notification) -> Result<(), String> {
    check_line("a key", &notification.key, MAX_KEY_BYTES)?;
    check_line("a title", &notification.title, MAX_TITLE_BYTES)?;
    let text = &notification.text;
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("expected a text of at most {MAX_TEXT_BYTES} bytes, found {}", text.len()));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err("expected a text without control characters but line ends, found one".into());
    }
    Ok(())
}

/// Why this is no key.
pub(super) fn check_key(key: &str) -> Result<(), String> {
    check_line("a key", key, MAX_KEY_BYTES)
}

const MAX_KEY_BYTES: usize = 128;
const MAX_TITLE_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(key: &str, title: &str, text: &str) -> Notification {
        let [key, title, text] = [key, title, text].map(str::to_owned);
        Notification { key, severity: NotificationSeverity::Warning, title, text }
    }

    #[test]
    fn each_text_has_its_bound() {
        assert_eq!(check(&notification("k", "t", "one\ntwo")), Ok(()));
        assert_eq!(check(&notification(&"k".repeat(128), &"t".repeat(256), &"x".repeat(4096))), Ok(()));
        for (key, title, text, found) in [
            ("", "t", "", "found an empty one"),
            ("k\n", "t", "", "found a control character"),
            (
                &*"k".repeat(129),
                "t",
                "",
                "expected a key of 1 to 128 bytes without control characters, found 129 bytes",
            ),
            ("k", "", "", "expected a title of 1 to 256 bytes without control characters, found an empty one"),
            ("k", &"t".repeat(257), "", "found 257 bytes"),
            ("k", "t", &"x".repeat(4097), "expected a text of at most 4096 bytes, found 4097"),
            ("k", "t", "\u{1b}[2J", "found one"),
        ] {
            let error = check(&notification(key, title, text)).unwrap_err();
            assert!(error.ends_with(found), "{error}");
        }
    }

    #[tokio::test]
    async fn what_is_raised_again_unchanged_is_there_once() {
        let raised = MemoryNotifications::default();
        for text in ["a", "a", "b"] {
            raised.send("x", &notification("k", "t", text)).await.unwrap();
        }
        assert_eq!(raised.raised(), [notification("k", "t", "b")]);
        assert_eq!((raised.clear("x", "k").await, raised.clear("x", "k").await), (Ok(true), Ok(false)));
    }
}
