//! Escapes in strings (RFC 8259, section 7). The cursor has gone past the backslash.

use super::cursor::{Cursor, Result};
use super::fault::Fault;

/// Reads one escape: for a character beyond the basic plane, both surrogates.
pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<char> {
    Ok(match next(cursor)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(cursor),
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        _ => return cursor.fail_behind(Fault::Escape),
    })
}

/// Goes past one escape. A surrogate counts as a character of its own, because nobody reads it.
pub(super) fn skip(cursor: &mut Cursor<'_>) -> Result<()> {
    match next(cursor)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
        b'u' => hex(cursor).map(drop),
        _ => cursor.fail_behind(Fault::Escape),
    }
}

fn unicode(cursor: &mut Cursor<'_>) -> Result<char> {
    let unit = hex(cursor)?;
    if let Some(c) = char::from_u32(unit) {
        return Ok(c);
    }
    if is_trailing(unit) {
        return cursor.fail_behind(Fault::LoneSurrogate);
    }
    for expected in [b'\\', b'u'] {
        if next(cursor)? != expected {
            return cursor.fail_behind(Fault::SurrogateAlone);
        }
    }
    let trailing = hex(cursor)?;
    let c = char::from_u32(0x1_0000 + ((unit & 0x3ff) << 10) + (trailing & 0x3ff));
    match c {
        Some(c) if is_trailing(trailing) => Ok(c),
        _ => cursor.fail_behind(Fault::LoneSurrogate),
    }
}

const fn is_trailing(unit: u32) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}

fn next(cursor: &mut Cursor<'_>) -> Result<u8> {
    match cursor.take::<1>() {
        Some([byte]) => Ok(*byte),
        None => cursor.fail_behind(Fault::EndInString),
    }
}

/// Four hexadecimal digits.
fn hex(cursor: &mut Cursor<'_>) -> Result<u32> {
    let Some(digits) = cursor.take::<4>() else {
        cursor.go_to_end();
        return cursor.fail_behind(Fault::EndInString);
    };
    let mut unit = 0;
    for digit in digits {
        match char::from(*digit).to_digit(16) {
            Some(digit) => unit = unit << 4 | digit,
            None => return cursor.fail_behind(Fault::Escape),
        }
    }
    Ok(unit)
}
