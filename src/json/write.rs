//! JSON that is sent: objects of strings and flags.

use alloc::string::String;
use alloc::vec::Vec;

/// A value of an object that is written.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Flag(bool),
}

/// An object with these keys, which have no character that is escaped, as the body of a request.
pub(crate) fn write(members: &[(&str, Value<'_>)]) -> Vec<u8> {
    let mut json = String::from("{");
    for (key, value) in members {
        if json.len() > 1 {
            json.push(',');
        }
        json.push('"');
        json.push_str(key);
        json.push_str("\":");
        match value {
            Value::Text(text) => push_string(&mut json, text),
            Value::Flag(flag) => json.push_str(if *flag { "true" } else { "false" }),
        }
    }
    json.push('}');
    json.into_bytes()
}

/// Appends a string with what must be escaped in it (RFC 8259, section 7), and nothing else, escaped.
fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        let short = match c {
            '"' | '\\' => c,
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\0'..='\u{1f}' => {
                json.push_str("\\u00");
                json.push(if c < '\u{10}' { '0' } else { '1' });
                json.push(char::from_digit(u32::from(c) & 0xf, 16).unwrap_or('0'));
                continue;
            }
            _ => {
                json.push(c);
                continue;
            }
        };
        json.push('\\');
        json.push(short);
    }
    json.push('"');
}
