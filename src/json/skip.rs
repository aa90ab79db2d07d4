//! Values that no field takes: checked to be JSON, and gone past. Their numbers may be of any size, and their escapes half
//! a surrogate pair.

use alloc::vec::Vec;

use super::cursor::{Cursor, Result};
use super::fault::Fault;
use super::number::Number;

/// Goes past a value. Without recursion, because it may be as deep as the text is long.
pub(super) fn value(cursor: &mut Cursor<'_>) -> Result<()> {
    // For each array or object that is open, whether it is an object.
    let mut open = Vec::new();
    loop {
        let token = cursor.token();
        let is_opened = matches!(token, Some(b'[' | b'{'));
        if is_opened {
            cursor.advance();
            open.push(token == Some(b'{'));
        } else {
            scalar(cursor, token)?;
        }
        if !has_next(cursor, &mut open, is_opened)? {
            return Ok(());
        }
    }
}

fn scalar(cursor: &mut Cursor<'_>, token: Option<u8>) -> Result<()> {
    match token {
        Some(b'"') => {
            cursor.advance();
            cursor.skip_string()
        }
        Some(b'-' | b'0'..=b'9') => Number::skip(cursor),
        Some(b't') => cursor.literal("true"),
        Some(b'f') => cursor.literal("false"),
        Some(b'n') => cursor.literal("null"),
        Some(_) => cursor.fail_at(Fault::Value),
        None => cursor.fail_at(Fault::EndInValue),
    }
}

/// Goes past what stands between a value, or an opening bracket, and the next value. Returns whether there is one.
fn has_next(cursor: &mut Cursor<'_>, open: &mut Vec<bool>, mut is_first: bool) -> Result<bool> {
    while let Some(&is_object) = open.last() {
        match cursor.token() {
            Some(b']') if !is_object => cursor.advance(),
            Some(b'}') if is_object => cursor.advance(),
            Some(token) if is_first || token == b',' => {
                if !is_first {
                    cursor.advance();
                }
                if is_object {
                    key(cursor)?;
                }
                return Ok(true);
            }
            Some(_) => return cursor.fail_at(if is_object { Fault::ObjectComma } else { Fault::ArrayComma }),
            None => return cursor.fail_at(if is_object { Fault::EndInObject } else { Fault::EndInArray }),
        }
        open.pop();
        is_first = false;
    }
    Ok(false)
}

/// A key and its colon.
fn key(cursor: &mut Cursor<'_>) -> Result<()> {
    match cursor.token() {
        Some(b'"') => cursor.advance(),
        Some(_) => return cursor.fail_at(Fault::Key),
        None => return cursor.fail_at(Fault::EndInObject),
    }
    cursor.skip_string()?;
    cursor.colon()
}
