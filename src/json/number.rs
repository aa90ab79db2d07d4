//! Numbers as they stand in a JSON text, and as they stand in a message.

use alloc::string::{String, ToString};

use super::cursor::{Cursor, Result};
use super::fault::Fault;
use super::real;

/// A number as it is read: an integer where it has neither a fraction nor an exponent and fits.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    LargeInt(u64),
    Real(f64),
}

impl Number {
    /// Reads a number, whose first byte has been seen.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self> {
        let start = cursor.place();
        let Scanned { is_negative, is_whole, is_cut, significand, exponent, written_exponent, end_of_exponent } =
            scan(cursor, Fault::EndInValue)?;
        if is_whole && !is_cut {
            return Ok(whole(is_negative, significand));
        }
        let quick = if is_cut { None } else { real::quick(significand, exponent) };
        let size = quick.unwrap_or_else(|| {
            let text = cursor.text_between(start + usize::from(is_negative), cursor.place());
            real::exact(text.unwrap_or_default(), written_exponent)
        });
        if size.is_infinite() {
            return cursor.fail(Fault::NumberTooLarge, end_of_exponent);
        }
        Ok(Self::Real(if is_negative { -size } else { size }))
    }

    /// Goes past a number, whose first byte has been seen, however large it is.
    pub(super) fn skip(cursor: &mut Cursor<'_>) -> Result<()> {
        scan(cursor, Fault::Number).map(drop)
    }

    /// The nearest double.
    pub(super) const fn to_real(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::LargeInt(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    /// The number for a message: one with a fraction or an exponent to three decimal places. Its exact text would make the
    /// component a tenth larger.
    pub(super) fn to_text(self) -> String {
        let (is_negative, whole, thousandths) = match self {
            Self::Int(value) => (value < 0, value.unsigned_abs(), None),
            Self::LargeInt(value) => (false, value, None),
            Self::Real(value) => {
                let size = value.abs();
                let whole = size as u64;
                (value < 0.0, whole, Some(((size - whole as f64) * 1000.0) as u16))
            }
        };
        if whole == u64::MAX && thousandths.is_some() {
            return "too large for 64 bits".to_string();
        }
        let mut text = [if is_negative { "-" } else { "" }, &whole.to_string()].concat();
        if let Some(thousandths) = thousandths {
            text.push('.');
            for digit in [thousandths / 100, thousandths / 10, thousandths] {
                text.push(char::from(b'0' + (digit % 10) as u8));
            }
        }
        text
    }
}

/// The integer of these digits; a real number where no integer of 64 bits has the sign and the digits. So has `-0`.
fn whole(is_negative: bool, size: u64) -> Number {
    match i64::try_from(size) {
        Ok(value) if !is_negative => Number::Int(value),
        Err(_) if !is_negative => Number::LargeInt(size),
        _ => match (size as i64).wrapping_neg() {
            value if value < 0 => Number::Int(value),
            _ => Number::Real(-(size as f64)),
        },
    }
}

/// The parts of a number: the significand times ten to the power of the exponent.
struct Scanned {
    is_negative: bool,
    /// Whether it has neither a fraction nor an exponent.
    is_whole: bool,
    /// Whether there are more digits than the significand holds. Then it and the exponent mean nothing.
    is_cut: bool,
    significand: u64,
    exponent: i32,
    /// The exponent that is written in the text; zero where there is none.
    written_exponent: i32,
    /// The place from which on more digits of the exponent make no difference: of one that is too large, the digit that
    /// makes it so.
    end_of_exponent: usize,
}

impl Scanned {
    /// Takes the digits that come next, and returns how many there were.
    fn take_digits(&mut self, cursor: &mut Cursor<'_>, is_fraction: bool) -> usize {
        let start = cursor.place();
        while let Some(byte @ b'0'..=b'9') = cursor.peek() {
            cursor.advance();
            let digit = u64::from(byte - b'0');
            // The largest of 64 bits ends with a 5.
            let fits = self.significand < u64::MAX / 10 || (self.significand == u64::MAX / 10 && digit <= 5);
            self.is_cut |= !fits;
            if !self.is_cut {
                self.significand = self.significand * 10 + digit;
                self.exponent -= i32::from(is_fraction);
            }
        }
        cursor.place() - start
    }

    fn take_exponent(&mut self, cursor: &mut Cursor<'_>, at_end: Fault) -> Result<()> {
        let is_negative = cursor.peek() == Some(b'-');
        if matches!(cursor.peek(), Some(b'+' | b'-')) {
            cursor.advance();
        }
        let Some([first]) = cursor.take::<1>() else {
            return cursor.fail_behind(at_end);
        };
        if !first.is_ascii_digit() {
            return cursor.fail_behind(Fault::Number);
        }
        let mut exponent = Some(i32::from(first - b'0'));
        self.end_of_exponent = cursor.place();
        while let Some(byte @ b'0'..=b'9') = cursor.peek() {
            cursor.advance();
            if let Some(so_far) = exponent {
                exponent = so_far.checked_mul(10).and_then(|tens| tens.checked_add(i32::from(byte - b'0')));
                self.end_of_exponent = cursor.place();
            }
        }
        let exponent = exponent.unwrap_or(i32::MAX);
        self.written_exponent = if is_negative { -exponent } else { exponent };
        self.exponent = self.exponent.saturating_add(self.written_exponent);
        Ok(())
    }
}

/// Goes past a number. `at_end` is what is wrong with a text that ends within it.
fn scan(cursor: &mut Cursor<'_>, at_end: Fault) -> Result<Scanned> {
    let is_negative = cursor.peek() == Some(b'-');
    if is_negative {
        cursor.advance();
    }
    let mut number = Scanned {
        is_negative,
        is_whole: true,
        is_cut: false,
        significand: 0,
        exponent: 0,
        written_exponent: 0,
        end_of_exponent: 0,
    };
    let (start, first) = (cursor.place(), cursor.peek());
    match (number.take_digits(cursor, false), first) {
        (0, None) => return cursor.fail_behind(at_end),
        (0, Some(_)) => return cursor.fail_at(Fault::Number),
        // A zero is a whole number, which no digit can follow.
        (2.., Some(b'0')) => return cursor.fail(Fault::Number, start + 2),
        _ => {}
    }
    if cursor.peek() == Some(b'.') {
        cursor.advance();
        number.is_whole = false;
        if number.take_digits(cursor, true) == 0 {
            return cursor.fail_at(if cursor.peek().is_none() { at_end } else { Fault::Number });
        }
    }
    number.end_of_exponent = cursor.place();
    if let Some(b'e' | b'E') = cursor.peek() {
        cursor.advance();
        number.is_whole = false;
        number.take_exponent(cursor, at_end)?;
    }
    Ok(number)
}
