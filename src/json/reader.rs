//! The JSON reader: it takes a value of any kind and writes it into a field, if it is of the field's kind.
//!
//! It is compiled once for all records. The nesting of the records is the nesting of calls, and never deeper than a record
//! of the API: a value that no field takes is gone past without recursion, however deep it is.
//!
//! ```text
//! JSON text                                           what is wrong with it, on the way back
//! {"mounts": [{"key": 7}]}   record StorageView       mounts[0]: key: expected a string, found a number (7)
//!            [{"key": 7}]    └ field Records          [0]: key: expected a string, found a number (7)
//!             {"key": 7}       └ record StorageMount  key: expected a string, found a number (7)
//!                     7          └ field Text         expected a string, found a number (7)
//! ```

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::mem;

use agentapi_contract::{MAX_EXCERPT_BYTES, excerpt, visible};

use super::cursor::{Cursor, Result};
use super::fault::Fault;
use super::number::Number;
use super::record::{Field, MAX_LIST_LENGTH, Record, RecordList};
use super::skip;

/// Where the reader is in a text, and what is wrong with the first value that was not of its field's kind.
///
/// Such a value is gone past, and reading goes on: the rest of the text must be checked to be JSON in any case.
pub(super) struct Reader<'t> {
    pub(super) cursor: Cursor<'t>,
    pub(super) mismatch: Option<String>,
}

impl Reader<'_> {
    /// Reads a value into a field.
    pub(super) fn value(&mut self, field: Field<'_>) -> Result<()> {
        match self.cursor.token() {
            Some(b'"') => {
                self.cursor.advance();
                let text = self.cursor.string()?;
                self.take_text(field, text);
            }
            Some(b'-' | b'0'..=b'9') => {
                let number = Number::read(&mut self.cursor)?;
                self.take_number(field, number);
            }
            Some(b'{') => {
                self.cursor.advance();
                return self.object(field);
            }
            Some(b'[') => {
                self.cursor.advance();
                return self.array(field);
            }
            Some(b't') => {
                self.cursor.literal("true")?;
                self.take_flag(field, true);
            }
            Some(b'f') => {
                self.cursor.literal("false")?;
                self.take_flag(field, false);
            }
            Some(b'n') => {
                self.cursor.literal("null")?;
                self.take_null(field);
            }
            Some(_) => return self.cursor.fail_at(Fault::Value),
            None => return self.cursor.fail_at(Fault::EndInValue),
        }
        Ok(())
    }

    fn take_text(&mut self, field: Field<'_>, value: Cow<'_, str>) {
        match field {
            Field::Text(text) => *text = value.into_owned(),
            Field::Variant(variant) => variant.set(&value),
            _ if self.mismatch.is_some() => {}
            _ => self.report(&field, &["a string (", &excerpt(&value), ")"].concat()),
        }
    }

    fn take_number(&mut self, field: Field<'_>, number: Number) {
        match (field, number) {
            (Field::Int(int), Number::Int(value)) => *int = value,
            (Field::IntOrNone(int), Number::Int(value)) => *int = Some(value),
            (Field::Real(real), number) => *real = number.to_real(),
            (Field::RealOrNone(real), number) => *real = Some(number.to_real()),
            (field @ (Field::Int(_) | Field::IntOrNone(_)), _) => {
                self.report_number(&field, "another number (", number)
            }
            (field, _) => self.report_number(&field, "a number (", number),
        }
    }

    fn take_flag(&mut self, field: Field<'_>, value: bool) {
        match field {
            Field::Flag(flag) => *flag = value,
            field => self.report(&field, if value { "a boolean (true)" } else { "a boolean (false)" }),
        }
    }

    /// `null` makes a field none or empty that can be. In any other it leaves what is there: the zero value, or what
    /// the same key has written before.
    fn take_null(&mut self, field: Field<'_>) {
        match field {
            Field::IntOrNone(int) => *int = None,
            Field::RealOrNone(real) => *real = None,
            Field::RecordOrNone(record) => record.clear(),
            Field::Records(list) => list.clear(),
            Field::Texts(texts) => texts.clear(),
            Field::Ints(ints) => ints.clear(),
            Field::Duplicate => self.report(&field, "it again"),
            Field::Text(_) | Field::Variant(_) | Field::Flag(_) | Field::Int(_) | Field::Real(_) | Field::Record(_) => {
            }
        }
    }

    fn array(&mut self, field: Field<'_>) -> Result<()> {
        let mut is_first = true;
        match field {
            Field::Records(list) => {
                list.clear();
                let mut index = 0;
                while self.cursor.has_element(&mut is_first)? {
                    self.element(list, index)?;
                    index += 1;
                }
            }
            Field::Texts(texts) => {
                texts.clear();
                // Taken after each element, so that a `null` among them is an empty text and not the one before it.
                let mut text = String::new();
                while self.cursor.has_element(&mut is_first)? {
                    self.value(Field::Text(&mut text))?;
                    texts.push(mem::take(&mut text));
                }
            }
            Field::Ints(ints) => {
                ints.clear();
                let mut int = 0;
                while self.cursor.has_element(&mut is_first)? {
                    self.value(Field::Int(&mut int))?;
                    ints.push(mem::take(&mut int));
                }
            }
            field => {
                self.report(&field, "an array");
                while self.cursor.has_element(&mut is_first)? {
                    skip::value(&mut self.cursor)?;
                }
            }
        }
        Ok(())
    }

    /// An element of an array of records.
    fn element(&mut self, list: &mut dyn RecordList, index: usize) -> Result<()> {
        if let Some(record) = list.push_default() {
            let matched_so_far = self.mismatch.is_none();
            self.value(Field::Record(record))?;
            if matched_so_far && self.mismatch.is_some() {
                self.report_element(index, record);
            }
            return Ok(());
        }
        self.mismatch.get_or_insert_with(|| {
            ["expected at most ", &MAX_LIST_LENGTH.to_string(), " elements in an array, found more"].concat()
        });
        skip::value(&mut self.cursor)
    }

    fn object(&mut self, field: Field<'_>) -> Result<()> {
        match field {
            Field::Record(record) => self.record(record),
            Field::RecordOrNone(record) => self.record(record.get_or_insert_default()),
            field => {
                self.report(&field, "an object");
                let mut is_first = true;
                while self.cursor.has_key(&mut is_first)? {
                    self.cursor.string()?;
                    self.cursor.colon()?;
                    skip::value(&mut self.cursor)?;
                }
                Ok(())
            }
        }
    }

    fn record(&mut self, record: &mut dyn Record) -> Result<()> {
        let keys = record.keys();
        let (mut is_first, mut next) = (true, 0);
        while let Some(index) = self.key(keys, next, &mut is_first)? {
            next = index + 1;
            let Some(mut field) = record.field(index) else {
                skip::value(&mut self.cursor)?;
                continue;
            };
            if self.takes_plain_value(&mut field) {
                continue;
            }
            // The first mismatch is reported. If it is in this value, the key leads to it, so it goes in front.
            let matched_so_far = self.mismatch.is_none();
            self.value(field)?;
            if matched_so_far && self.mismatch.is_some() {
                self.report_key(keys.get(index).map_or("", |key| unquoted(key)));
            }
        }
        Ok(())
    }

    /// Reads a value as agents write it into a field of its kind. Returns false, and has gone past nothing, if it is another.
    #[inline(always)]
    fn takes_plain_value(&mut self, field: &mut Field<'_>) -> bool {
        match field {
            Field::Text(text) => self.cursor.take_plain_string().map(|plain| **text = plain.to_string()),
            Field::Variant(variant) => self.cursor.take_plain_string().map(|plain| variant.set(plain)),
            Field::Int(int) => self.cursor.take_plain_integer().map(|plain| **int = plain),
            Field::Flag(flag) => self.cursor.take_plain_flag().map(|plain| **flag = plain),
            _ => None,
        }
        .is_some()
    }

    /// Goes past the next key and its colon. Returns the index of the key, which is the number of keys where it is none
    /// of them; none at the end of the object.
    ///
    /// Agents write a record's keys in the same order each time, so that the one that is expected is tried before any is
    /// read.
    #[inline]
    fn key(&mut self, keys: &[&str], expected: usize, is_first: &mut bool) -> Result<Option<usize>> {
        if let Some(key) = keys.get(expected)
            && self.cursor.take_key(*is_first, key)
        {
            *is_first = false;
            return Ok(Some(expected));
        }
        self.any_key(keys, is_first)
    }

    #[inline(never)]
    fn any_key(&mut self, keys: &[&str], is_first: &mut bool) -> Result<Option<usize>> {
        if !self.cursor.has_key(is_first)? {
            return Ok(None);
        }
        let key = self.cursor.string()?;
        self.cursor.colon()?;
        Ok(Some(keys.iter().position(|known| unquoted(known) == key).unwrap_or(keys.len())))
    }

    #[cold]
    #[inline(never)]
    fn report_key(&mut self, key: &str) {
        if let Some(why) = &mut self.mismatch {
            // An element of an array stands in brackets behind the array's key.
            let separator = if why.as_bytes().first() == Some(&b'[') { "" } else { ": " };
            *why = [key, separator, why].concat();
        }
    }

    #[cold]
    #[inline(never)]
    fn report_element(&mut self, index: usize, record: &mut dyn Record) {
        if let Some(why) = &mut self.mismatch {
            *why = [&element_text(index, record), ": ", why].concat();
        }
    }

    #[cold]
    #[inline(never)]
    fn report(&mut self, field: &Field<'_>, found: &str) {
        self.mismatch.get_or_insert_with(|| ["expected ", field.expected(), ", found ", found].concat());
    }

    #[cold]
    #[inline(never)]
    fn report_number(&mut self, field: &Field<'_>, found: &str, number: Number) {
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
fn unquoted(key: &str) -> &str {
    key.get(1..key.len() - 2).unwrap_or_default()
}
