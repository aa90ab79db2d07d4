//! What is said about a value that is not of its field's kind: what was expected and found, and the keys that lead there.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use agentapi_contract::{MAX_EXCERPT_BYTES, visible};

use super::number::Number;
use super::reader::Reader;
use super::record::{Field, Record};

impl Reader<'_> {
    #[cold]
    #[inline(never)]
    pub(super) fn report_key(&mut self, key: &str) {
        if let Some(why) = &mut self.mismatch {
            // An element of an array stands in brackets behind the array's key.
            let separator = if why.as_bytes().first() == Some(&b'[') { "" } else { ": " };
            *why = [key, separator, why].concat();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn report_element(&mut self, index: usize, record: &mut dyn Record) {
        if let Some(why) = &mut self.mismatch {
            *why = [&element_text(index, record), ": ", why].concat();
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn report(&mut self, field: &Field<'_>, found: &str) {
        self.mismatch.get_or_insert_with(|| ["expected ", field.expected(), ", found ", found].concat());
    }

    #[cold]
    #[inline(never)]
    pub(super) fn report_number(&mut self, field: &Field<'_>, found: &str, number: Number) {
        if self.mismatch.is_none() {
            self.report(field, &[found, &number.to_text(), ")"].concat());
        }
    }
}

/// Which element of an array it is: its index, and its name where it has one. The whole element has been read, so the
/// name is known even where it stands behind the value that is wrong.
fn element_text(index: usize, record: &mut dyn Record) -> String {
    let place = record.keys().iter().position(|key| unquoted(key) == "name");
    let name = match place.and_then(|place| record.field(place)) {
        Some(Field::Text(name)) if (1..=MAX_EXCERPT_BYTES).contains(&name.len()) => visible(name),
        _ => Cow::Borrowed(""),
    };
    ["[", &index.to_string(), if name.is_empty() { "]" } else { "] " }, &name].concat()
}

/// A key without its quotes and colon.
pub(super) fn unquoted(key: &str) -> &str {
    key.get(1..key.len() - 2).unwrap_or_default()
}
