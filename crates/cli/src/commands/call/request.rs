//! Reads a line of `agentapi call` as a request.
//!
//! The id is kept as its JSON text, whatever it is, and of the rest only what the operation needs is parsed. So numbers
//! out of range, or nesting deeper than serde_json's limit, do no harm in places that are not used.

use std::fmt;

use agentapi_host::Error;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::commands::call::args::{Args, json_kind};
use crate::commands::call::operation::Operation;

/// What a line asks for, and the id to answer it with.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id as its JSON text. None if the line has none.
    pub id: Option<&'a RawValue>,
    /// The operation, or [`Error::InvalidArgument`] if the line is no valid request.
    pub operation: Result<Operation, Error>,
}

impl<'a> Request<'a> {
    /// Reads a line, whatever its bytes. The id is found even if the line is invalid after it.
    pub fn read(line: &'a [u8]) -> Self {
        read(line)
    }

    /// The request of a line that was not read.
    pub fn unreadable(why: String) -> Self {
        Self { id: None, operation: Err(Error::InvalidArgument(why)) }
    }
}

fn read(line: &[u8]) -> Request<'_> {
    // A line that is not UTF-8 is read up to the invalid byte, because the id may be before it.
    let (text, invalid_at) = match std::str::from_utf8(line) {
        Ok(text) => (text, None),
        Err(error) => (valid_part(line, error.valid_up_to()), Some(error.valid_up_to())),
    };
    let mut fields = Fields::default();
    let parsed = fields.parse(text);
    let operation = match (invalid_at, parsed) {
        (Some(at), _) => Err(format!("the line is not UTF-8: byte {at}")),
        (None, Err(why)) => Err(why),
        (None, Ok(())) => fields.operation(),
    };
    Request { id: fields.id, operation: operation.map_err(Error::InvalidArgument) }
}

fn valid_part(line: &[u8], end: usize) -> &str {
    line.get(..end).and_then(|valid| std::str::from_utf8(valid).ok()).unwrap_or_default()
}

/// The fields of a request, as far as the line could be parsed.
#[derive(Default)]
struct Fields<'a> {
    id: Option<&'a RawValue>,
    op: Option<&'a RawValue>,
    args: Option<&'a RawValue>,
}

impl<'a> Fields<'a> {
    /// Fills in the fields one by one, so that those before an error are kept.
    fn parse(&mut self, text: &'a str) -> Result<(), String> {
        // Checked here, because serde_json's message would repeat a string of any length.
        match text.trim_ascii_start().chars().next() {
            Some('{') => {}
            Some(_) => return Err(format!("expected a JSON object, found {}", json_kind(text.trim_ascii_start()))),
            None => return Err("expected a JSON object, found an empty line".into()),
        }
        let mut parser = serde_json::Deserializer::from_str(text);
        let parsed = DeserializeSeed::deserialize(self, &mut parser).and_then(|()| parser.end());
        // The parser sees one line only, so its line number is always 1 and would mislead.
        parsed.map_err(|error| error.to_string().replace("at line 1 column", "at column"))
    }

    fn operation(&self) -> Result<Operation, String> {
        let op = self.op.ok_or("expected an operation (\"op\"), found none")?.get();
        let op: String =
            serde_json::from_str(op).map_err(|_| format!("op: expected a text, found {}", json_kind(op)))?;
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

#[cfg(test)]
mod tests;
