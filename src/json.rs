//! The agent's JSON, read straight into WIT records, as the agent's own client reads it: a missing key or `null` is the
//! zero value, unknown keys are ignored, an object is not an array, an integer has no fraction.
//!
//! A record says where the value of a key goes; how it gets there is the same for all of them, and is compiled once.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::{fmt, mem};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

/// Reads a text that is one object into a record.
pub(crate) fn read(text: &str, record: &mut dyn Record) -> Result<(), serde_json::Error> {
    let mut read = Whole { record, is_there: false };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Field::RecordOrNone(&mut read).deserialize(&mut deserializer)?;
    deserializer.end()?;
    if read.is_there { Ok(()) } else { Err(serde_json::Error::custom("expected an object, found null")) }
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

    fn refuse<E: Error>(&self, found: &str) -> E {
        E::custom(format!("expected {}, found {found}", self.expected()))
    }
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Answers to everything that JSON has, in words of its own: serde's would bring the printing of fractions along.
impl<'de> Visitor<'de> for Field<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }

    /// `null` leaves the zero where it is, and of a key that stood there before what cannot be null.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self {
            Self::IntOrNone(int) => *int = None,
            Self::RealOrNone(real) => *real = None,
            Self::RecordOrNone(record) => record.clear(),
            Self::Records(list) => list.clear(),
            Self::Texts(texts) => texts.clear(),
            Self::Ints(ints) => ints.clear(),
            Self::Once => return Err(self.refuse("it again")),
            Self::Text(_) | Self::Name(_) | Self::Flag(_) | Self::Int(_) | Self::Real(_) | Self::Record(_) => {}
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self {
            Self::Flag(flag) => *flag = value,
            other => return Err(other.refuse("a boolean")),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self {
            Self::Int(int) => *int = value,
            Self::IntOrNone(int) => *int = Some(value),
            other => return other.visit_f64(value as f64),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => self.visit_f64(value as f64),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self {
            Self::Real(real) => *real = value,
            Self::RealOrNone(real) => *real = Some(value),
            Self::Int(_) | Self::IntOrNone(_) => return Err(self.refuse("another number")),
            other => return Err(other.refuse("a number")),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self {
            Self::Text(text) => *text = value.to_string(),
            Self::Name(named) => named.set(value),
            other => return Err(other.refuse("a string")),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        match self {
            Self::Texts(texts) => {
                texts.clear();
                let mut text = String::new();
                while seq.next_element_seed(Field::Text(&mut text))?.is_some() {
                    texts.push(mem::take(&mut text));
                }
            }
            Self::Ints(ints) => {
                ints.clear();
                let mut int = 0;
                while seq.next_element_seed(Field::Int(&mut int))?.is_some() {
                    ints.push(mem::take(&mut int));
                }
            }
            Self::Records(list) => {
                list.clear();
                while seq.next_element_seed(Element(list))?.is_some() {}
            }
            other => return Err(other.refuse("an array")),
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let record = match self {
            Self::Record(record) => record,
            Self::RecordOrNone(record) => record.fill(),
            other => return Err(other.refuse("an object")),
        };
        while let Some(Key(key)) = map.next_key()? {
            match record.field(&key) {
                Some(field) => map.next_value_seed(field)?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// One element of an array of records: the list grows only where there is one.
struct Element<'a>(&'a mut dyn List);

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.grow() {
            Some(record) => Field::Record(record).deserialize(deserializer),
            None => {
                let why = format!("expected at most {MAX_LIST_LENGTH} elements in an array, found more");
                Err(D::Error::custom(why))
            }
        }
    }
}

/// A key: borrowed, unless it has escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Key(Cow::Owned(key.to_string())))
    }
}

/// The case that a text names.
#[cfg(test)]
pub(crate) fn named<T: Named>(mut zero: T, text: &str) -> T {
    zero.set(text);
    zero
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
