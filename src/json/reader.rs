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

use agentapi_contract::excerpt;

use super::cursor::{Cursor, Result};
use super::fault::Fault;
use super::mismatch::unquoted;
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
            Some(b'{') => return self.object(field),
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
            match self.cursor.peek() {
                Some(b'{') => self.record(record)?,
                _ => self.value(Field::Record(record))?,
            }
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

    /// Reads an object, whose brace has been seen.
    fn object(&mut self, field: Field<'_>) -> Result<()> {
        match field {
            Field::Record(record) => self.record(record),
            Field::RecordOrNone(record) => self.record(record.get_or_insert_default()),
            field => {
                self.report(&field, "an object");
                self.cursor.advance();
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

    /// Reads an object, whose brace has been seen, into a record.
    ///
    /// Agents write a record's keys in the same order each time, so that the one that is expected is tried before any is
    /// read.
    fn record(&mut self, record: &mut dyn Record) -> Result<()> {
        let keys = record.keys();
        let (mut separator, mut index) = (b'{', 0);
        loop {
            if !keys.get(index).is_some_and(|key| self.cursor.take_key(separator, key)) {
                if separator == b',' && self.cursor.peek() == Some(b'}') {
                    self.cursor.advance();
                    return Ok(());
                }
                let Some(found) = self.any_key(keys, separator)? else { return Ok(()) };
                index = found;
            }
            if let Some(mut field) = record.field(index) {
                if !self.takes_plain_value(&mut field) {
                    self.member(keys.get(index).copied(), field)?;
                }
            } else {
                skip::value(&mut self.cursor)?;
            }
            (separator, index) = (b',', index + 1);
        }
    }

    /// Reads the value of a key into its field.
    #[inline(never)]
    fn member(&mut self, key: Option<&str>, field: Field<'_>) -> Result<()> {
        // The first mismatch is reported. If it is in this value, the key leads to it, so it goes in front.
        let matched_so_far = self.mismatch.is_none();
        match field {
            Field::Record(record) if self.cursor.peek() == Some(b'{') => self.record(record)?,
            Field::RecordOrNone(record) if self.cursor.peek() == Some(b'{') => {
                self.record(record.get_or_insert_default())?;
            }
            field => self.value(field)?,
        }
        if matched_so_far && self.mismatch.is_some() {
            self.report_key(key.map_or("", unquoted));
        }
        Ok(())
    }

    /// Reads a value as agents write it into a field of its kind. Returns false, and has gone past nothing, if it is another.
    #[inline(always)]
    fn takes_plain_value(&mut self, field: &mut Field<'_>) -> bool {
        match field {
            Field::Text(text) => self.cursor.take_plain_string().map(|plain| set_text(text, plain)),
            Field::Variant(variant) => self.cursor.take_plain_string().map(|plain| variant.set(plain)),
            Field::Int(_) | Field::IntOrNone(_) => self.cursor.take_plain_integer().map(|plain| match field {
                Field::Int(int) => **int = plain,
                Field::IntOrNone(int) => **int = Some(plain),
                _ => {}
            }),
            Field::Real(_) | Field::RealOrNone(_) => self.cursor.take_plain_real().map(|plain| match field {
                Field::Real(real) => **real = plain,
                Field::RealOrNone(real) => **real = Some(plain),
                _ => {}
            }),
            Field::Flag(flag) => self.cursor.take_plain_flag().map(|plain| **flag = plain),
            _ => None,
        }
        .is_some()
    }

    /// Goes past the next key and its colon, and past the brace or comma in front of them. Returns the index of the key,
    /// which is the number of keys where it is none of them; none at the end of the object.
    #[inline(never)]
    fn any_key(&mut self, keys: &[&str], separator: u8) -> Result<Option<usize>> {
        let mut is_first = separator == b'{';
        if is_first {
            self.cursor.advance();
        }
        if !self.cursor.has_key(&mut is_first)? {
            return Ok(None);
        }
        let key = self.cursor.string()?;
        self.cursor.colon()?;
        Ok(Some(keys.iter().position(|known| unquoted(known) == key).unwrap_or(keys.len())))
    }
}

/// Writes a text into a field. The field is most often empty, and has nothing to be freed: to find that out where it is
/// dropped takes more instructions than half of such a text takes to be read.
#[inline(always)]
fn set_text(text: &mut String, value: &str) {
    let old = mem::replace(text, String::from(value));
    if old.capacity() == 0 {
        mem::forget(old);
    }
}
