//! How these texts were read before there was a reader of our own: by `serde_json`, and one visitor that takes a value of
//! any kind. What is read and what is said about an error is held against it.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::{fmt, mem};

use agentapi_contract::{MAX_EXCERPT_BYTES, excerpt, visible};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::number::Number;
use super::super::record::{Field, MAX_LIST_LENGTH, OptionalRecord, Record, RecordList};

/// What [`super::read`] does.
pub(super) fn read(text: &str, record: &mut dyn Record) -> Result<(), String> {
    let mut root = Root { record, is_present: false };
    let mut mismatch = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Value { field: Field::RecordOrNone(&mut root), mismatch: &mut mismatch };
    let syntax = value.deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (syntax, mismatch) {
        (Err(why), _) => Err(why.to_string()),
        (Ok(()), Some(why)) => Err(why),
        (Ok(()), None) if root.is_present => Ok(()),
        (Ok(()), None) => Err("expected an object, found null".to_string()),
    }
}

/// Remembers whether there was an object.
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

/// A value that is to be read: the field that it is written to, and what is wrong with the first value of the text that
/// was not of its field's kind.
///
/// Such a value is skipped, and reading goes on. An error of serde's would end it at once, but `Error::custom` and what
/// it needs are as much code as this whole reader, and the rest of the text must be checked to be JSON in any case.
struct Value<'a, 'r> {
    field: Field<'a>,
    mismatch: &'r mut Option<String>,
}

impl Value<'_, '_> {
    fn report(self, found: &str) {
        let expected = self.field.expected();
        self.mismatch.get_or_insert_with(|| ["expected ", expected, ", found ", found].concat());
    }

    /// Takes a number that is no integer of 64 bits, or in whose field that makes no difference.
    fn take_number(self, value: f64, number: Number) {
        match self.field {
            Field::Real(real) => *real = value,
            Field::RealOrNone(real) => *real = Some(value),
            Field::Int(_) | Field::IntOrNone(_) => self.report_number("another number (", number),
            _ => self.report_number("a number (", number),
        }
    }

    fn report_number(self, found: &str, number: Number) {
        if self.mismatch.is_none() {
            self.report(&[found, &number.to_text(), ")"].concat());
        }
    }
}

/// A seed is serde's name for a deserializer with state: here the field that it writes to.
impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Each function is called for one kind of JSON value. All of them return `Ok` unless the text is no JSON.
impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.field.expected())
    }

    /// `null` makes a field none or empty that can be. In any other it leaves what is there: the zero value, or what
    /// the same key has written before.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.field {
            Field::IntOrNone(int) => *int = None,
            Field::RealOrNone(real) => *real = None,
            Field::RecordOrNone(record) => record.clear(),
            Field::Records(list) => list.clear(),
            Field::Texts(texts) => texts.clear(),
            Field::Ints(ints) => ints.clear(),
            Field::Duplicate => self.report("it again"),
            Field::Text(_) | Field::Variant(_) | Field::Flag(_) | Field::Int(_) | Field::Real(_) | Field::Record(_) => {
            }
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.field {
            Field::Flag(flag) => *flag = value,
            _ => self.report(if value { "a boolean (true)" } else { "a boolean (false)" }),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.field {
            Field::Int(int) => *int = value,
            Field::IntOrNone(int) => *int = Some(value),
            // Not an integer field, so it takes the number as a real one or reports it.
            field => Value { field, ..self }.take_number(value as f64, Number::Int(value)),
        }
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            // Beyond `i64`: no field of integers takes it, as none takes a real number.
            Err(_) => {
                self.take_number(value as f64, Number::LargeInt(value));
                Ok(())
            }
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.take_number(value, Number::Real(value));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.field {
            Field::Text(text) => *text = value.to_string(),
            Field::Variant(variant) => variant.set(value),
            _ if self.mismatch.is_some() => {}
            _ => self.report(&["a string (", &excerpt(value), ")"].concat()),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mismatch = self.mismatch;
        match self.field {
            Field::Texts(texts) => {
                texts.clear();
                // Taken after each element, so that a `null` among them is an empty text and not the one before it.
                let mut text = String::new();
                while seq.next_element_seed(Value { field: Field::Text(&mut text), mismatch })?.is_some() {
                    texts.push(mem::take(&mut text));
                }
            }
            Field::Ints(ints) => {
                ints.clear();
                let mut int = 0;
                while seq.next_element_seed(Value { field: Field::Int(&mut int), mismatch })?.is_some() {
                    ints.push(mem::take(&mut int));
                }
            }
            Field::Records(list) => {
                list.clear();
                let mut index = 0;
                while seq.next_element_seed(Element { list, index, mismatch })?.is_some() {
                    index += 1;
                }
            }
            field => {
                Value { field, mismatch }.report("an array");
                // Its elements have to be read all the same, or serde_json would take the next `,` for an error.
                IgnoredAny.visit_seq(seq)?;
            }
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let mismatch = self.mismatch;
        let record = match self.field {
            Field::Record(record) => record,
            Field::RecordOrNone(record) => record.get_or_insert_default(),
            field => {
                Value { field, mismatch }.report("an object");
                return IgnoredAny.visit_map(map).map(drop);
            }
        };
        while let Some(Key(key)) = map.next_key()? {
            let Some(field) = field(record, &key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // The first mismatch is reported. If it is in this value, the key leads to it, so it goes in front.
            let matched_so_far = mismatch.is_none();
            map.next_value_seed(Value { field, mismatch })?;
            if let Some(why) = mismatch
                && matched_so_far
            {
                // An element of an array stands in brackets behind the array's key.
                let separator = if why.as_bytes().first() == Some(&b'[') { "" } else { ": " };
                *why = [&key, separator, why].concat();
            }
        }
        Ok(())
    }
}

/// One element of an array of records. It appends to the list only once serde_json has found that there is an element:
/// `next_element_seed` is called for the end of the array too.
struct Element<'a, 'r> {
    list: &'a mut dyn RecordList,
    index: usize,
    mismatch: &'r mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { list, index, mismatch } = self;
        if let Some(record) = list.push_default() {
            let matched_so_far = mismatch.is_none();
            Value { field: Field::Record(record), mismatch }.deserialize(deserializer)?;
            if let Some(why) = mismatch
                && matched_so_far
            {
                *why = [&element_text(index, record), ": ", why].concat();
            }
            return Ok(());
        }
        mismatch.get_or_insert_with(|| {
            ["expected at most ", &MAX_LIST_LENGTH.to_string(), " elements in an array, found more"].concat()
        });
        IgnoredAny::deserialize(deserializer).map(drop)
    }
}

/// Which element of an array it is: its index, and its name where it has one. The whole element has been read, so the
/// name is known even where it stands behind the value that is wrong.
fn element_text(index: usize, record: &mut dyn Record) -> String {
    let name = match field(record, "name") {
        Some(Field::Text(name)) if (1..=MAX_EXCERPT_BYTES).contains(&name.len()) => visible(name),
        _ => Cow::Borrowed(""),
    };
    ["[", &index.to_string(), if name.is_empty() { "]" } else { "] " }, &name].concat()
}

/// A key, borrowed from the text unless it has escapes. serde's own `Cow<str>` is always owned.
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

fn field<'r>(record: &'r mut dyn Record, key: &str) -> Option<Field<'r>> {
    let index = record.keys().iter().position(|known| *known == format!("\"{key}\":"))?;
    record.field(index)
}
