//! What is written as a text where a text says it all, and as a table where it does not.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads a text by `from_text`, and a table as a `T`.
///
/// Not an untagged enum: that says of a wrong key only that no variant matches.
pub(crate) fn text_or_table<'de, T, U, D>(
    deserializer: D,
    what: &'static str,
    from_text: fn(&str) -> Result<U, String>,
    from_table: fn(T) -> Result<U, String>,
) -> Result<U, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(TextOrTable { what, from_text, from_table, of: PhantomData })
}

struct TextOrTable<T, U> {
    what: &'static str,
    from_text: fn(&str) -> Result<U, String>,
    from_table: fn(T) -> Result<U, String>,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, U> Visitor<'de> for TextOrTable<T, U> {
    type Value = U;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<U, E> {
        (self.from_text)(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<U, A::Error> {
        (self.from_table)(T::deserialize(MapAccessDeserializer::new(map))?).map_err(A::Error::custom)
    }
}
