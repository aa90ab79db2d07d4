//! The members of a JSON object in the order in which they were written, which `serde_json::Value` does not keep.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// One JSON object. Reading it fails for any other value.
pub(crate) struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    #[track_caller]
    pub(crate) fn of(json: impl AsRef<[u8]>) -> Self {
        serde_json::from_slice(json.as_ref()).unwrap()
    }

    pub(crate) fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key.as_str()).collect()
    }

    /// The value of this key, which is an object too.
    #[track_caller]
    pub(crate) fn object(&self, key: &str) -> Self {
        Self::of(self.value(key).get())
    }

    /// The value of this key, which is a list of objects.
    #[track_caller]
    pub(crate) fn objects(&self, key: &str) -> Vec<Self> {
        serde_json::from_str(self.value(key).get()).unwrap()
    }

    #[track_caller]
    fn value(&self, key: &str) -> &RawValue {
        &self.0.iter().find(|(found, _)| found == key).unwrap().1
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
