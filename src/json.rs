//! The agent's JSON: requests written, and answers read straight into WIT records.
//!
//! The rules for reading are those that the agent's answers have always been read by:
//!
//! - a missing key or `null` is the field's zero value, or none where the field may be none;
//! - a key that is not known is ignored, and of a key that is there twice the last one counts;
//! - nothing is converted: an object is not an array, a string is not a number, and an integer has no fraction.
//!
//! # How it works
//!
//! A record tells, through the trait object `dyn Record`, which keys it has and which of its fields belongs to each, and
//! one [`reader`], compiled once for all records, writes the values into the fields. serde's `derive` generates a visitor
//! for each record, which made the component 20 KB larger, and finds a key by comparing it with one name after the other;
//! `serde_json` brings 19 KB for numbers that no agent sends. docs/performance.md has the figures.
//!
//! ```text
//! {"vmid": 101, "mounts": [{"key": "media"}]}
//!    │             │         │
//!    │             │         └ the field "key" of the new StorageMount is a Text, which becomes "media"
//!    │             └ the field "mounts" of the StorageView is a Records: each object appends a default StorageMount
//!    └ the field "vmid" of the StorageView is an Int, which becomes 101
//! ```

mod cursor;
mod escape;
mod fault;
mod mismatch;
mod number;
mod plain;
mod reader;
mod real;
mod record;
mod skip;
mod write;

use alloc::string::{String, ToString};

use self::cursor::Cursor;
use self::reader::Reader;
pub(crate) use self::record::{Field, Record, Variant, record, variant};
pub(crate) use self::write::{Value, write};

/// Reads a text that is one object into a record, which the caller gives as its default.
///
/// The error says in words what is wrong: the syntax, or the first value that does not fit its field, with the keys
/// that lead there, as in `mounts: key: expected a string, found a number`.
pub(crate) fn read(text: &str, record: &mut dyn Record) -> Result<(), String> {
    let mut reader = Reader { cursor: Cursor::new(text), mismatch: None };
    let is_null = reader.cursor.token() == Some(b'n');
    let syntax = reader.value(Field::Record(record)).and_then(|()| reader.cursor.end());
    // A text that is no JSON is reported as such, even where a value before the error does not fit either.
    match (syntax, reader.mismatch) {
        (Err(_), _) => Err(reader.cursor.why()),
        (Ok(()), Some(why)) => Err(why),
        // Unlike the value of a key, the text may not be `null`.
        (Ok(()), None) if is_null => Err("expected an object, found null".to_string()),
        (Ok(()), None) => Ok(()),
    }
}

#[cfg(test)]
mod tests;
