//! Makes texts from the network safe to print.
//!
//! A terminal obeys control characters: they move the cursor, change colours, or rewrite lines above. Format characters
//! reorder or hide what is beside them. A text with either could show a person another disk than the one it names.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with each control and format character written out, such as `\u{1b}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| if is_unsafe(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(escape).collect())
}

/// The same JSON value with these characters as JSON escapes. `serde_json` escapes those below U+0020 itself; the
/// others can only be inside strings, where an escape means the same.
pub(crate) fn visible_json(json: String) -> String {
    let is_raw = |c: char| c > '\u{1f}' && is_unsafe(c);
    if !json.contains(is_raw) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            // Writing to a `String` never fails.
            c if is_raw(c) => drop(write!(safe, "\\u{:04x}", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

/// Control characters (C0, DEL, C1), and the format characters that reorder or hide text. All of them are in the basic
/// plane, so one `\uXXXX` writes each.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{visible, visible_json};

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(visible("/mnt/felhom/ő 🔒"), "/mnt/felhom/ő 🔒");
        assert_eq!(visible("a\u{1b}[2Jb\r\n\tc"), "a\\u{1b}[2Jb\\r\\n\\tc");
        assert_eq!(
            visible("\u{7f}\u{9b}31m\u{202e}x\u{200b}\u{feff}"),
            "\\u{7f}\\u{9b}31m\\u{202e}x\\u{200b}\\u{feff}"
        );
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "a": "\u{1b}[m\u{7f}\u{9b}\u{2028}\u{202e}é" });
        let safe = visible_json(value.to_string());
        assert_eq!(safe, r#"{"a":"\u001b[m\u007f\u009b\u2028\u202eé"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
    }
}
