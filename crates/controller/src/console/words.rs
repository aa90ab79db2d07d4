//! Words for people: those of the command.

use agentapi_host::records::DiskRole;
use agentapi_host::visible;

use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::messages::extension_of;

/// A text of the agent or of an extension, with nothing that a person cannot see. Its template escapes it.
pub(super) fn shown(text: &str) -> String {
    visible(text).into_owned()
}

/// The first line of a text, and those that follow: a message of an extension is a title and a text.
pub(super) fn first_and_other_lines(text: &str) -> (String, Vec<String>) {
    let mut lines = text.lines().map(shown);
    (lines.next().unwrap_or_default(), lines.collect())
}

/// So much of a text as a row has room for: a page of its own, or a command, has all of it.
pub(super) fn beginning(text: &str) -> String {
    let text = shown(text);
    if text.chars().count() <= MAX_CHARACTERS {
        return text;
    }
    text.chars().take(MAX_CHARACTERS).chain(['…']).collect()
}

const MAX_CHARACTERS: usize = 160;

/// A command for a POSIX shell, of these words: none of them means anything to it. None where one cannot be shown as it is,
/// because nobody would see what they copy.
pub(super) fn command(words: &[&str]) -> Option<String> {
    let is_visible = words.iter().all(|word| visible(word) == *word);
    is_visible.then(|| shlex::try_join(words.iter().copied()).ok()).flatten()
}

/// The class of a severity in the style sheet.
pub(super) fn class(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Warning => "warning",
        _ => "info",
    }
}

/// What to do about a finding.
pub(super) fn advice(finding: &Finding) -> String {
    let advice = match finding.kind {
        FindingKind::NoSuccess => {
            "Look at its latest run and at its log. If none was made, look whether its schedule is paused."
        }
        FindingKind::PinMismatch => {
            "Compare the fingerprints with the operator of the host before you trust the new one."
        }
        FindingKind::ApprovalWaiting => "Look at the disk, and decide under Approvals.",
        FindingKind::StateNotWritten => {
            "Look for room on the disk of the state folder. Runs go on meanwhile, and are not written down."
        }
        FindingKind::BusUnreachable => {
            "Look whether the fleet's server runs, and whether this guest reaches it. Backups go on without it."
        }
        FindingKind::ExtensionNotice => {
            return format!("{} says so, and clears it when it is over.", extension_of(&finding.subject));
        }
    };
    advice.to_owned()
}

/// Whether a person can type it as it is: an id with a character that cannot be seen is nobody's to confirm.
pub(super) fn can_be_typed(id: &str) -> bool {
    !id.is_empty() && id.trim() == id && visible(id) == id
}

/// What a disk is used for, with whether only the host's operator can have it wiped.
pub(super) fn role(role: &DiskRole) -> (String, bool) {
    match role {
        DiskRole::System => ("system (locked)".to_owned(), true),
        DiskRole::Backup => ("backup (locked)".to_owned(), true),
        DiskRole::UserData => ("user data".to_owned(), false),
        DiskRole::Other(text) if text.is_empty() => ("role not known".to_owned(), false),
        DiskRole::Other(text) => (shown(text), false),
    }
}

/// A number of bytes in the unit that leaves less than 1024 of it, with one decimal.
pub fn size(bytes: i64) -> String {
    let mut value = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    // 1023.95 would be rounded to 1024.0, which is 1.0 of the next unit.
    while value.abs() >= 1023.95
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// The size of a disk. The agent says 0 where it does not know.
pub(super) fn disk_size(bytes: i64) -> String {
    if bytes > 0 { size(bytes) } else { "size not known".to_owned() }
}

/// A text as it stands behind the `=` in an address (RFC 3986, section 2.3).
pub(super) fn address(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::DiskRole;

    use jiff::Timestamp;

    use super::{Finding, FindingKind, Severity};
    use super::{address, advice, can_be_typed, command, disk_size, first_and_other_lines, role, size};

    #[test]
    fn a_message_of_an_extension_is_a_title_and_lines_and_says_whose_it_is() {
        let (title, others) = first_and_other_lines("pve: cpu hot\nIt has reached 40.\n\u{1b}[2J");
        assert_eq!(title, "pve: cpu hot");
        assert_eq!(others, ["It has reached 40.", "\\u{1b}[2J"]);
        let (kind, severity, since) = (FindingKind::ExtensionNotice, Severity::Warning, Timestamp::UNIX_EPOCH);
        let finding = Finding { kind, subject: "stale-backup/cpu-hot:pve".into(), severity, since, text: title };
        assert_eq!(advice(&finding), "stale-backup says so, and clears it when it is over.");
    }

    #[test]
    fn sizes_have_a_fitting_unit_and_one_decimal() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (512_110_190_592, "476.9 GiB"),
            (i64::MAX, "8.0 EiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!((disk_size(0), disk_size(1)), ("size not known".to_owned(), "1 B".to_owned()));
    }

    #[test]
    fn only_system_and_backup_disks_are_locked() {
        for (name, text, is_locked) in [
            ("system", "system (locked)", true),
            ("backup", "backup (locked)", true),
            ("user-data", "user data", false),
            ("", "role not known", false),
            ("cache\n", "cache\\n", false),
        ] {
            assert_eq!(role(&DiskRole::from(name)), (text.to_owned(), is_locked));
        }
    }

    #[test]
    fn an_id_that_cannot_be_seen_whole_cannot_be_typed() {
        assert!(can_be_typed("uuid:0f3c"));
        for id in ["", " uuid:0f3c", "uuid:0f3c\u{200b}", "uuid:\u{202e}0f3c", "a\nb"] {
            assert!(!can_be_typed(id), "{id:?}");
        }
    }

    #[test]
    fn a_word_of_a_command_is_one_word_to_a_shell_and_nothing_else() {
        for word in ["$(touch taken)", "`id`", "a; rm -rf /", "it's", "a b", "-x|y>z", "~", "*", "!!", "\\"] {
            let line = command(&["printf", "%s", word]).unwrap();
            let printed = std::process::Command::new("sh").arg("-c").arg(&line).output().unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), word, "{line}");
        }
        let plain = ["agentapi", "fleet", "approvals", "approve", "web2", "1", "uuid:0f3c9a52-7d1e-4f0b"];
        assert_eq!(command(&plain), Some(plain.join(" ")));
        for unseen in ["a\nb", "uuid:\u{202e}0f3c", "uuid:0f3c\u{200b}", "\0"] {
            assert_eq!(command(&["agentapi", unseen]), None, "{unseen:?}");
        }
    }

    #[test]
    fn nothing_of_a_text_has_a_meaning_in_an_address() {
        assert_eq!(address("uuid:a b&c=1#ü\"<"), "uuid%3Aa%20b%26c%3D1%23%C3%BC%22%3C");
        assert_eq!(address("local-lvm_1.~"), "local-lvm_1.~");
    }
}
