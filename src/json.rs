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
//! serde's `derive` generates a visitor for each record, which made the component 20 KB larger. Here a record only tells,
//! through the trait object `dyn Record`, which of its fields belongs to a key, and one visitor ([`value`]), compiled
//! once for all records, writes the value into that field. The crate `miniserde` works in the same way.
//!
//! ```text
//! {"vmid": 101, "mounts": [{"key": "media"}]}
//!    │             │         │
//!    │             │         └ field("key") of the new StorageMount is a Text, which becomes "media"
//!    │             └ field("mounts") of the StorageView is a Records: each object appends a default StorageMount
//!    └ field("vmid") of the StorageView is an Int, which becomes 101
//! ```

mod number;
mod record;
mod value;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::Serialize;
use serde::de::DeserializeSeed;

use self::record::OptionalRecord;
pub(crate) use self::record::{Field, Record, Variant, record, variant};
use self::value::Value;
use crate::bindings::felhom::agentapi::types::Error;
use crate::error::invalid_argument;

/// The arguments of an operation as a JSON text, the body of its POST request.
pub(crate) fn write<T: Serialize>(arguments: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(arguments).map_err(|why| invalid_argument("arguments", &why))
}

/// Reads a text that is one object into a record, which the caller gives as its default.
///
/// The error says in words what is wrong: the syntax, or the first value that does not fit its field, with the keys
/// that lead there, as in `mounts: key: expected a string, found a number`.
pub(crate) fn read(text: &str, record: &mut dyn Record) -> Result<(), String> {
    let mut root = Root { record, is_present: false };
    let mut mismatch = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Value { field: Field::RecordOrNone(&mut root), mismatch: &mut mismatch };
    let syntax = value.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    // A text that is no JSON is reported as such, even where a value before the error does not fit either.
    match (syntax, mismatch) {
        (Err(why), _) => Err(why.to_string()),
        (Ok(()), Some(why)) => Err(why),
        (Ok(()), None) if root.is_present => Ok(()),
        (Ok(()), None) => Err("expected an object, found null".to_string()),
    }
}

/// The record that the whole text is read into. Unlike the value of a key, the text may not be `null`, so this
/// remembers whether there was an object.
struct Root<'a> {
    record: &'a mut dyn Record,
    is_present: bool,
}

impl OptionalRecord for Root<'_> {
    fn clear(&mut self) {
        self.is_present = false;
    }

    fn get_or_insert_default(&mut self) -> &mut dyn Record {
        self.is_present = true;
        self.record
    }
}

#[cfg(test)]
mod tests;
