//! The messages of an extension that a command runs: shown on stderr as they are raised, and what is raised at the end.

use agentapi_findings::Severity;
use agentapi_host::policy::{
    MemoryNotifications, Notification, NotificationFuture, NotificationSeverity, Notifications,
};

use crate::print::escape::visible;
use crate::print::severity::margin;
use crate::process::stderr::stderr;

/// Shows messages. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct ShownMessages(MemoryNotifications);

impl ShownMessages {
    /// Lists what is raised, where anything is.
    pub(crate) fn list(&self) {
        let raised = self.0.raised();
        if !raised.is_empty() {
            let messages: String = raised.iter().map(describe).collect();
            stderr().print(format!("Raised at the end of the run; `agentapi serve` would have told it:\n{messages}"));
        }
    }
}

impl Notifications for ShownMessages {
    fn send(&self, extension: &str, notification: &Notification) -> NotificationFuture<()> {
        if !self.0.raised().contains(notification) {
            stderr().print(describe(notification));
        }
        self.0.send(extension, notification)
    }

    fn clear(&self, extension: &str, key: &str) -> NotificationFuture<bool> {
        if self.0.raised().iter().any(|raised| raised.key == key) {
            stderr().print(format!("{}{}: no more\n", margin(None), visible(key)));
        }
        self.0.clear(extension, key)
    }
}

/// The title behind the key, and each line of the text on one of its own.
fn describe(notification: &Notification) -> String {
    let severity = match notification.severity {
        NotificationSeverity::Info => None,
        NotificationSeverity::Warning => Some(Severity::Warning),
        _ => Some(Severity::Critical),
    };
    let head = format!("{}{}: {}\n", margin(severity), visible(&notification.key), visible(&notification.title));
    let lines = notification.text.lines().map(|line| format!("{}{}\n", margin(None), visible(line)));
    [head].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use agentapi_host::policy::Notification;
    use anstream::adapter::strip_str;
    use serde_json::json;

    use super::describe;

    #[test]
    fn a_message_is_shown_with_its_sign_and_each_of_its_lines() {
        let message = json!({ "key": "k", "severity": "critical", "title": "T\u{202e}", "text": "one\ntwo" });
        let message: Notification = serde_json::from_value(message).unwrap();
        assert_eq!(strip_str(&describe(&message)).to_string(), "!! k: T\\u{202e}\n   one\n   two\n");
    }
}
