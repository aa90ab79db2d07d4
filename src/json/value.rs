//! One value of a JSON text on its way to its place. Answers to everything that JSON has.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::{fmt, mem};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Field, List, MAX_LIST_LENGTH};

/// A value that is being read: its place, and why the first value that did not fit its place did not.
///
/// Such a value is passed over instead of ending the reading with an error of serde's: how serde makes an error of a
/// text is as much code as all of the reading here.
pub(super) struct Value<'a, 'r> {
    pub(super) place: Field<'a>,
    pub(super) refusal: &'r mut Option<String>,
}

impl Value<'_, '_> {
    fn refuse(self, found: &str) {
        let expected = self.place.expected();
        self.refusal.get_or_insert_with(|| ["expected ", expected, ", found ", found].concat());
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Answers to everything that JSON has.
impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.place.expected())
    }

    /// `null` leaves the zero where it is, and of a key that stood there before what cannot be null.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.place {
            Field::IntOrNone(int) => *int = None,
            Field::RealOrNone(real) => *real = None,
            Field::RecordOrNone(record) => record.clear(),
            Field::Records(list) => list.clear(),
            Field::Texts(texts) => texts.clear(),
            Field::Ints(ints) => ints.clear(),
            Field::Once => self.refuse("it again"),
            Field::Text(_) | Field::Name(_) | Field::Flag(_) | Field::Int(_) | Field::Real(_) | Field::Record(_) => {}
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.place {
            Field::Flag(flag) => *flag = value,
            _ => self.refuse("a boolean"),
        }
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.place {
            Field::Int(int) => *int = value,
            Field::IntOrNone(int) => *int = Some(value),
            _ => return self.visit_f64(value as f64),
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
        match self.place {
            Field::Real(real) => *real = value,
            Field::RealOrNone(real) => *real = Some(value),
            Field::Int(_) | Field::IntOrNone(_) => self.refuse("another number"),
            _ => self.refuse("a number"),
        }
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.place {
            Field::Text(text) => *text = value.to_string(),
            Field::Name(named) => named.set(value),
            _ => self.refuse("a string"),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let refusal = self.refusal;
        match self.place {
            Field::Texts(texts) => {
                texts.clear();
                let mut text = String::new();
                while seq.next_element_seed(Value { place: Field::Text(&mut text), refusal })?.is_some() {
                    texts.push(mem::take(&mut text));
                }
            }
            Field::Ints(ints) => {
                ints.clear();
                let mut int = 0;
                while seq.next_element_seed(Value { place: Field::Int(&mut int), refusal })?.is_some() {
                    ints.push(mem::take(&mut int));
                }
            }
            Field::Records(list) => {
                list.clear();
                while seq.next_element_seed(Element { list, refusal })?.is_some() {}
            }
            place => {
                Value { place, refusal }.refuse("an array");
                IgnoredAny.visit_seq(seq)?;
            }
        }
        Ok(())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let refusal = self.refusal;
        let record = match self.place {
            Field::Record(record) => record,
            Field::RecordOrNone(record) => record.fill(),
            place => {
                Value { place, refusal }.refuse("an object");
                return IgnoredAny.visit_map(map).map(drop);
            }
        };
        while let Some(Key(key)) = map.next_key()? {
            let Some(place) = record.field(&key) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let was_fine = refusal.is_none();
            map.next_value_seed(Value { place, refusal })?;
            if let Some(why) = refusal
                && was_fine
            {
                *why = [&key, ": ", why].concat();
            }
        }
        Ok(())
    }
}

/// One element of an array of records: the list grows only where there is one.
struct Element<'a, 'r> {
    list: &'a mut dyn List,
    refusal: &'r mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { list, refusal } = self;
        if let Some(record) = list.grow() {
            return Value { place: Field::Record(record), refusal }.deserialize(deserializer);
        }
        refusal.get_or_insert_with(|| {
            ["expected at most ", &MAX_LIST_LENGTH.to_string(), " elements in an array, found more"].concat()
        });
        IgnoredAny::deserialize(deserializer).map(drop)
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
