//! A line of `agentapi call` as a request.
//!
//! The id is kept as the text that it was, whatever it is. Of the rest only what an operation needs is looked at, so
//! that neither numbers out of range nor depth in other places matter.

use std::collections::HashMap;
use std::fmt;

use agentapi_host::Error;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::commands::call::operation::Operation;

/// What a line asks for, and the id to answer it with.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id, as the text that it was; none where there is none.
    pub id: Option<&'a RawValue>,
    /// What is asked for, or why that cannot be told.
    pub operation: Result<Operation, Error>,
}

impl<'a> Request<'a> {
    /// Reads a line, whatever its bytes. The id is found even where the line breaks off after it.
    pub fn read(line: &'a [u8]) -> Self {
        read(line)
    }

    /// A line that was not looked at.
    pub fn unreadable(why: String) -> Self {
        Self { id: None, operation: Err(Error::InvalidArgument(why)) }
    }
}

fn read(line: &[u8]) -> Request<'_> {
    let (text, broken) = match std::str::from_utf8(line) {
        Ok(text) => (text, None),
        Err(why) => (valid_part(line, why.valid_up_to()), Some(why.valid_up_to())),
    };
    let mut fields = Fields::default();
    let read = fields.read(text);
    let operation = match (broken, read) {
        (Some(at), _) => Err(format!("the line is not UTF-8: byte {at}")),
        (None, Err(why)) => Err(why),
        (None, Ok(())) => fields.operation(),
    };
    Request { id: fields.id, operation: operation.map_err(Error::InvalidArgument) }
}

fn valid_part(line: &[u8], end: usize) -> &str {
    line.get(..end).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
}

#[derive(Default)]
struct Fields<'a> {
    id: Option<&'a RawValue>,
    op: Option<&'a RawValue>,
    args: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), String> {
        // Not left to the parser, whose message would repeat a text of any length.
        match text.trim_ascii_start().chars().next() {
            Some('{') => {}
            Some(_) => return Err(format!("expected a JSON object, found {}", kind_of(text.trim_ascii_start()))),
            None => return Err("expected a JSON object, found an empty line".into()),
        }
        let mut parser = serde_json::Deserializer::from_str(text);
        let read = DeserializeSeed::deserialize(self, &mut parser).and_then(|()| parser.end());
        // The line is always the first for the parser: only the column says something.
        read.map_err(|why| why.to_string().replace("at line 1 column", "at column"))
    }

    fn operation(&self) -> Result<Operation, String> {
        let op = self.op.ok_or("expected an operation (\"op\"), found none")?.get();
        let op: String = serde_json::from_str(op).map_err(|_| format!("op: expected a text, found {}", kind_of(op)))?;
        let args = Args::read(self.args.map_or("null", RawValue::get))?;
        Operation::read(&op, &args)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Fields<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Fields<'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "id" => self.id = Some(map.next_value()?),
                "op" => self.op = Some(map.next_value()?),
                "args" => self.args = Some(map.next_value()?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The arguments of an operation. Those that it does not know are not looked at.
pub(super) struct Args<'a>(HashMap<String, &'a RawValue>);

impl<'a> Args<'a> {
    fn read(args: &'a str) -> Result<Self, String> {
        match args.chars().next() {
            Some('n') => Ok(Self(HashMap::new())),
            Some('{') => serde_json::from_str(args).map(Self).map_err(|why| format!("args: {why}")),
            _ => Err(format!("args: expected an object, found {}", kind_of(args))),
        }
    }

    /// A text; empty where it is absent or null.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        match self.0.get(name).map(|value| value.get()) {
            None | Some("null") => Ok(String::new()),
            Some(text) if text.starts_with('"') => serde_json::from_str(text).map_err(|why| format!("{name}: {why}")),
            Some(other) => Err(format!("{name}: expected a text, found {}", kind_of(other))),
        }
    }

    /// Yes or no; no where it is absent or null.
    pub(super) fn truth(&self, name: &str) -> Result<bool, String> {
        match self.0.get(name).map(|value| value.get()) {
            None | Some("null" | "false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(format!("{name}: expected true or false, found {}", kind_of(other))),
        }
    }
}

/// What a JSON text is, by how it begins.
fn kind_of(json: &str) -> &'static str {
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

#[cfg(test)]
mod tests;
