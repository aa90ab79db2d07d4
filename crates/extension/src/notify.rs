//! Messages to the operator.

use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::felhom::agentapi::notify as host;
use crate::{CallError, Failure, state};

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

/// Raises these messages, and clears what this function has raised in earlier runs and is not among them: for an extension
/// that looks each time at all that it tells of. `is_unknown` says of a raised key that this run cannot tell whether it is
/// over, such as one about a call that failed: it stays raised. Texts are [fitted](Notification::fitted).
///
/// The raised keys are in the state, as `notify.raised`. Needs the grants `notify.send`, `notify.clear`, `state.get` and
/// `state.set`.
///
/// # Errors
///
/// [`NotifyError`] and [`StateError`](state::StateError).
pub fn raise_only(messages: Vec<Notification>, is_unknown: impl Fn(&str) -> bool) -> Result<(), Failure> {
    let messages: Vec<_> = messages.into_iter().map(Notification::fitted).collect();
    let raised: Vec<String> = state::get(RAISED)?.unwrap_or_default();
    let changes = Changes::of(&raised, &messages, is_unknown);
    // Remembered before it is raised: should this run end in between, a later one clears the key all the same.
    if changes.during != raised {
        state::set(RAISED, &changes.during)?;
    }
    messages.iter().try_for_each(send)?;
    for key in &changes.over {
        clear(key)?;
    }
    if changes.after != changes.during {
        state::set(RAISED, &changes.after)?;
    }
    Ok(())
}

/// The keys that are over, and those to be remembered while messages are sent and afterwards.
struct Changes {
    over: Vec<String>,
    during: Vec<String>,
    after: Vec<String>,
}

impl Changes {
    fn of(raised: &[String], messages: &[Notification], is_unknown: impl Fn(&str) -> bool) -> Self {
        let is_told = |key: &str| messages.iter().any(|message| message.key == key);
        let (over, mut after): (Vec<_>, Vec<_>) =
            raised.iter().cloned().partition(|key| !is_told(key) && !is_unknown(key));
        let mut during = raised.to_vec();
        for Notification { key, .. } in messages {
            for keys in [&mut during, &mut after] {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
            }
        }
        Self { over, during, after }
    }
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

    /// The same within what the host takes: a message with names in it that come from elsewhere. Control characters become
    /// blanks, and what is too long is cut off.
    #[must_use]
    pub fn fitted(self) -> Self {
        let Self { key, severity, title, text } = self;
        Self {
            key: fit(&key, MAX_KEY_BYTES, false),
            severity,
            title: fit(&title, MAX_TITLE_BYTES, false),
            text: fit(&text, MAX_TEXT_BYTES, true),
        }
    }
}

fn fit(text: &str, max_bytes: usize, has_lines: bool) -> String {
    let mut fitted = String::new();
    for c in text.chars() {
        let c = if c.is_control() && !(has_lines && c == '\n') { ' ' } else { c };
        if fitted.len() + c.len_utf8() > max_bytes {
            break;
        }
        fitted.push(c);
    }
    fitted
}

/// The key of the state with what [`raise_only`] has raised.
const RAISED: &str = "notify.raised";

// What the host takes, in bytes: `notify.notification` in the WIT package.
const MAX_KEY_BYTES: usize = 128;
const MAX_TITLE_BYTES: usize = 256;
const MAX_TEXT_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn what_is_over_is_cleared_and_what_is_not_known_stays() {
        let raised = ["stays", "over", "unknown"].map(String::from);
        let messages = ["stays", "new"].map(|key| Notification::new(key, Severity::Warning, "t"));
        let changes = Changes::of(&raised, &messages, |key| key == "unknown");
        assert_eq!(changes.over, ["over"]);
        assert_eq!(changes.during, ["stays", "over", "unknown", "new"]);
        assert_eq!(changes.after, ["stays", "unknown", "new"]);
        let again = Changes::of(&changes.after, &messages, |_| true);
        assert_eq!((again.over, again.during, again.after), (vec![], changes.after.clone(), changes.after));
    }

    #[test]
    fn a_message_is_cut_to_what_the_host_takes() {
        let fitted = Notification::new("k".repeat(127) + "é", Severity::Info, "a\nb").text("a\nb\t").fitted();
        assert_eq!((fitted.key.len(), &*fitted.title, &*fitted.text), (127, "a b", "a\nb "));
    }
}
