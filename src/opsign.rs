//! The operator's command for a pending operation, quoted for the shell that it will be pasted into.
//!
//! The values come from the network and the operator runs the command with the right to wipe disks. So every value has
//! to arrive as the one word that it is, whatever it holds.

use alloc::borrow::Cow;
use alloc::string::String;

use agentapi_contract::{excerpt, is_visible};

use crate::bindings::felhom::agentapi::types::{Error, PendingOp};

/// `felhom-opsign -op OP -host HOST_SCOPE -durable-id DURABLE_ID`.
pub(crate) fn command(pending: &PendingOp) -> Result<String, Error> {
    let op = quote("op", &pending.op)?;
    let host = quote("host_scope", &pending.host_scope)?;
    let id = quote("durable_id", &pending.durable_id)?;
    Ok(["felhom-opsign -op ", &op, " -host ", &host, " -durable-id ", &id].concat())
}

/// The value as one word of a POSIX shell: unchanged if all of its characters are safe, else in single quotes (POSIX.1,
/// Shell Command Language, section 2.2.2).
fn quote<'a>(name: &str, value: &'a str) -> Result<Cow<'a, str>, Error> {
    // Where the operator cannot see all of what is signed, it may be another disk than the one that is shown. A line end
    // is seen: it ends the line. A NUL is not; some shells drop it too.
    if !value.split('\n').all(is_visible) {
        let why = [name, ": expected text that a person can see, found ", &excerpt(value)];
        return Err(Error::InvalidArgument(why.concat()));
    }
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || SAFE_PUNCTUATION.contains(&byte);
    if !value.is_empty() && value.bytes().all(is_safe) {
        return Ok(Cow::Borrowed(value));
    }
    // Within single quotes every character stands for itself, but the quote cannot stand there at all: close, put an
    // escaped quote, open again.
    Ok(Cow::Owned(["'", &value.replace('\'', r"'\''"), "'"].concat()))
}

/// Punctuation without a meaning to a POSIX shell in an argument. Python's `shlex.quote` has the same list; `~` and
/// `!`, which mean something in some places or some shells, are not on it.
const SAFE_PUNCTUATION: &[u8] = b"@%+=:,./-_";

#[cfg(test)]
mod tests {
    use super::*;

    fn with_id(durable_id: &str) -> String {
        let pending = PendingOp {
            op: "storage_wipe".into(),
            host_scope: "host-7f3a".into(),
            durable_id: durable_id.into(),
            fstype: "ext4".into(),
        };
        command(&pending).unwrap()
    }

    #[test]
    fn plain_values_stand_as_they_are() {
        let id = "byid:ata-WDC_1@%+=,./";
        assert_eq!(with_id(id), format!("felhom-opsign -op storage_wipe -host host-7f3a -durable-id {id}"));
    }

    #[test]
    fn anything_else_is_one_quoted_word() {
        let cases = [
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("a\nb", "'a\nb'"),
            ("ő", "'ő'"),
            ("a'b", r"'a'\''b'"),
        ];
        for (id, word) in cases {
            assert_eq!(with_id(id), format!("felhom-opsign -op storage_wipe -host host-7f3a -durable-id {word}"));
        }
    }

    #[test]
    fn no_character_but_those_that_the_rule_names_stands_unquoted() {
        for byte in b' '..=b'~' {
            let text = char::from(byte).to_string();
            let is_named = byte.is_ascii_alphanumeric() || "@%+=:,./-_".contains(&text);
            assert_eq!(quote("op", &text).unwrap() == text, is_named, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_and_shown_escaped() {
        let cases = [
            ("a\0b", r"a\u{0}b"),
            ("a\tb", r"a\tb"),
            ("a\rb", r"a\rb"),
            ("\u{1b}[2Ja", r"\u{1b}[2Ja"),
            ("uuid:0f\u{ad}3c", r"uuid:0f\u{ad}3c"),
            ("uuid:\u{3164}", r"uuid:\u{3164}"),
            ("uuid:a\u{fe0f}", r"uuid:a\u{fe0f}"),
            ("uuid:\u{e0041}", r"uuid:\u{e0041}"),
            ("uuid:\u{202e}c3f0", r"uuid:\u{202e}c3f0"),
            ("a\u{a0}b", r"a\u{a0}b"),
            ("a\n\u{301}b", r"a\n\u{301}b"),
        ];
        for (value, shown) in cases {
            let Err(Error::InvalidArgument(why)) = quote("op", value) else { panic!("{value:?} is taken") };
            assert_eq!(why, format!("op: expected text that a person can see, found \"{shown}\""));
        }
    }
}
