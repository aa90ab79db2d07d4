//! What a person is asked before a disk is formatted.

use agentapi_host::records::FormatResult;

use crate::commands::disks::role::role_label;
use crate::print::escape::visible;
use crate::process::confirmation::Question;

/// Asks for the disk that the agent wants confirmed, and returns the confirmed durable id.
pub(super) async fn ask_on_terminal(found: FormatResult) -> anyhow::Result<String> {
    question(found).ask_on_terminal().await
}

fn question(found: FormatResult) -> Question {
    let reason = if found.reason.is_empty() { "not said".into() } else { visible(&found.reason) };
    let shown = format!("  found on it: {reason}\n  durable id:  {}", visible(&found.durable_id));
    let role = role_label(&found.role);
    Question { device: found.device, role, found: shown, durable_id: found.durable_id, option: "--confirm" }
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{DiskRole, FormatResult};

    use super::question;

    fn found(reason: &str, durable_id: &str) -> FormatResult {
        FormatResult {
            vmid: 7,
            device: "/dev/sdc1".into(),
            formatted: false,
            data_bearing: true,
            reason: reason.into(),
            role: DiskRole::UserData,
            needs_confirmation: true,
            durable_id: durable_id.into(),
            pending_op: None,
        }
    }

    #[test]
    fn the_person_sees_what_is_found_safe_to_print() {
        let asked = question(found("e\nx", "uuid:\u{9b}"));
        assert_eq!(asked.found, "  found on it: e\\nx\n  durable id:  uuid:\\u{9b}");
        assert_eq!((asked.role.as_str(), asked.durable_id.as_str()), ("user data", "uuid:\u{9b}"));
        assert!(question(found("", "uuid:1")).found.starts_with("  found on it: not said\n"));
    }
}
