//! Numbers as serde_json finds them, and as they stand in a message.

use alloc::string::{String, ToString};

/// A number as serde_json found it.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Int(i64),
    LargeInt(u64),
    Real(f64),
}

impl Number {
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
