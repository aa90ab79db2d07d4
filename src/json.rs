//! The agent's JSON, read straight into WIT records, as the agent's own client reads it: a missing key or `null` is the
//! zero value, unknown keys are ignored, an object is not an array, an integer has no fraction.
//!
//! A record says where the value of a key goes; how it gets there is the same for all of them, and is compiled once.

mod value;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::DeserializeSeed;

use self::value::Value;

/// A record that is an object on the wire.
pub(crate) trait Record {
    /// The record where every key is missing.
    fn zero() -> Self
    where
        Self: Sized;

    /// Where the value of a key goes; none where the key is not known.
    fn field(&mut self, key: &str) -> Option<Field<'_>>;
}

/// The place of a value, which holds zero. `null` leaves it there.
pub(crate) enum Field<'a> {
    Text(&'a mut String),
    Texts(&'a mut Vec<String>),
    /// A text that names the case of a variant.
    Name(&'a mut dyn Named),
    Flag(&'a mut bool),
    Int(&'a mut i64),
    IntOrNone(&'a mut Option<i64>),
    Ints(&'a mut Vec<i64>),
    Real(&'a mut f64),
    RealOrNone(&'a mut Option<f64>),
    Record(&'a mut dyn Record),
    RecordOrNone(&'a mut dyn Optional),
    Records(&'a mut dyn List),
    /// No place: the key was there before, and counts only once.
    Once,
}

/// A variant whose cases have texts on the wire.
pub(crate) trait Named {
    fn set(&mut self, text: &str);
}

/// A record that may be none.
pub(crate) trait Optional {
    fn clear(&mut self);
    /// Makes it a record of zeroes if it was none, to be read into.
    fn fill(&mut self) -> &mut dyn Record;
}

/// A list of records.
pub(crate) trait List {
    fn clear(&mut self);
    /// Makes it longer by a record of zeroes, to be read into; none where the list is as long as it may be.
    fn grow(&mut self) -> Option<&mut dyn Record>;
}

/// The longest list of records that is read. A megabyte of `{},{},..` would otherwise become a hundred of records.
const MAX_LIST_LENGTH: usize = 65_536;

impl<T: Record> Optional for Option<T> {
    fn clear(&mut self) {
        *self = None;
    }

    fn fill(&mut self) -> &mut dyn Record {
        self.get_or_insert_with(T::zero)
    }
}

impl<T: Record> List for Vec<T> {
    fn clear(&mut self) {
        Vec::clear(self);
    }

    fn grow(&mut self) -> Option<&mut dyn Record> {
        if self.len() == MAX_LIST_LENGTH {
            return None;
        }
        self.push(T::zero());
        self.last_mut().map(|last| last as &mut dyn Record)
    }
}

/// Reads a text that is one object into a record. What is wrong is said in words: of a value that does not fit its
/// place, with the keys that lead there.
pub(crate) fn read(text: &str, record: &mut dyn Record) -> Result<(), String> {
    let mut whole = Whole { record, is_there: false };
    let mut refusal = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Value { place: Field::RecordOrNone(&mut whole), refusal: &mut refusal };
    let read = value.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (read, refusal) {
        (Err(why), _) => Err(why.to_string()),
        (Ok(()), Some(why)) => Err(why),
        (Ok(()), None) if whole.is_there => Ok(()),
        (Ok(()), None) => Err("expected an object, found null".to_string()),
    }
}

/// The record that a whole text is to be.
struct Whole<'a> {
    record: &'a mut dyn Record,
    is_there: bool,
}

impl Optional for Whole<'_> {
    fn clear(&mut self) {
        self.is_there = false;
    }

    fn fill(&mut self) -> &mut dyn Record {
        self.is_there = true;
        self.record
    }
}

impl Field<'_> {
    fn expected(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Name(_) => "a string",
            Self::Flag(_) => "a boolean",
            Self::Int(_) | Self::IntOrNone(_) => "a 64-bit integer",
            Self::Real(_) | Self::RealOrNone(_) => "a number",
            Self::Record(_) | Self::RecordOrNone(_) => "an object",
            Self::Texts(_) | Self::Ints(_) | Self::Records(_) => "an array",
            Self::Once => "the key once",
        }
    }
}

/// The case that a text names.
#[cfg(test)]
pub(crate) fn named<T: Named>(mut zero: T, text: &str) -> T {
    zero.set(text);
    zero
}

#[cfg(test)]
mod tests;
