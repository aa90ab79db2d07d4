//! The `args` of a request.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The arguments by name. Only those that the operation asks for are parsed.
pub(super) struct Args<'a>(HashMap<String, &'a RawValue>);

impl<'a> Args<'a> {
    /// Reads the text of `args`, an object or null.
    pub(super) fn read(args: &'a str) -> Result<Self, String> {
        match args.chars().next() {
            Some('n') => Ok(Self(HashMap::new())),
            Some('{') => serde_json::from_str(args).map(Self).map_err(|error| format!("args: {error}")),
            _ => Err(format!("args: expected an object, found {}", json_kind(args))),
        }
    }

    /// A string. Empty if the argument is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        match self.0.get(name).map(|value| value.get()) {
            None | Some("null") => Ok(String::new()),
            Some(text) if text.starts_with('"') => {
                serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))
            }
            Some(other) => Err(format!("{name}: expected a text, found {}", json_kind(other))),
        }
    }

    /// A boolean. False if the argument is absent or null.
    pub(super) fn boolean(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name).map(|value| value.get()) {
            None | Some("null" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(format!("{name}: expected true or false, found {}", json_kind(other))),
        }
    }
}

/// The kind of a JSON value, by how its text begins.
pub(super) fn json_kind(json: &str) -> &'static str {
    match json.as_bytes() {
        [b'{', ..] => "an object",
        [b'[', ..] => "a list",
        [b'"', ..] => "a text",
        [b'-' | b'0'..=b'9', ..] => "a number",
        _ if json.starts_with("null") => "null",
        _ if json.starts_with("true") || json.starts_with("false") => "true or false",
        _ => "no JSON",
    }
}
