//! The ways of a cursor that are taken most: what agents write, without blanks, escapes, signs and fractions.
//!
//! Each goes past what it finds, or past nothing where it is not that; then the general way looks again. They are inlined
//! into one loop over the members of a record, and read eight bytes at a time: a function that is entered costs some 30
//! instructions in the sandbox, and each turn of a loop some 5, because both look at the epoch.

use super::cursor::Cursor;
use super::real;

impl<'t> Cursor<'t> {
    /// Goes past a separator, and the key and colon behind it. `key` is the key with its quotes and the colon.
    #[inline(always)]
    pub(super) fn take_key(&mut self, separator: u8, key: &str) -> bool {
        let start = self.place() + 1;
        let end = start + key.len();
        let is_next = self.peek() == Some(separator)
            && self.bytes_between(start, end).is_some_and(|text| is_same(text, key.as_bytes()));
        if is_next {
            self.go_to(end);
        }
        is_next
    }

    /// A string without escapes.
    #[inline(always)]
    pub(super) fn take_plain_string(&mut self) -> Option<&'t str> {
        let start = self.place() + 1;
        if self.peek() != Some(b'"') {
            return None;
        }
        let mut end = start;
        // Many texts are empty. So is the last of an answer, behind which there are no eight bytes to be read.
        if self.bytes_from(start).first() == Some(&b'"') {
            self.go_to(start + 1);
            return Some("");
        }
        loop {
            let special = special_bytes(u64::from_le_bytes(*self.bytes_from(end).first_chunk()?));
            if special != 0 {
                end += special.trailing_zeros() as usize / 8;
                break;
            }
            end += 8;
        }
        if self.bytes_from(end).first() != Some(&b'"') {
            return None;
        }
        self.go_to(end + 1);
        self.text_between(start, end)
    }

    /// An integer without a sign that has fewer than 16 digits.
    #[inline(always)]
    pub(super) fn take_plain_integer(&mut self) -> Option<i64> {
        let (value, end) = self.plain_digits(self.place())?;
        let begins_with_zero = end > self.place() + 1 && self.peek() == Some(b'0');
        if begins_with_zero || matches!(self.bytes_from(end).first(), Some(b'.' | b'e' | b'E')) {
            return None;
        }
        self.go_to(end);
        Some(value as i64)
    }

    /// A real number that has one digit in front of its point and fewer than 16 behind it, as fractions have.
    #[inline(never)]
    pub(super) fn take_plain_real(&mut self) -> Option<f64> {
        let &[whole @ b'0'..=b'9', b'.'] = self.bytes_from(self.place()).first_chunk()? else { return None };
        let start = self.place() + 2;
        let (fraction, end) = self.plain_digits(start)?;
        if let Some(b'e' | b'E') = self.bytes_from(end).first() {
            return None;
        }
        let places = end - start;
        let significand = u64::from(whole - b'0') * 10_u64.pow(places as u32) + fraction;
        let real = real::quick(significand, -(places as i32))?;
        self.go_to(end);
        Some(real)
    }

    /// The number of the digits from a place on, of which there is at least one and are fewer than 16, and the place behind
    /// them.
    #[inline(always)]
    fn plain_digits(&self, start: usize) -> Option<(u64, usize)> {
        let (mut value, mut end) = (0, start);
        let (mut digits, mut count) = self.digits_at(start)?;
        if count == 8 {
            (value, end) = (eight_digits(digits), start + 8);
            (digits, count) = self.digits_at(end)?;
        }
        // Where there are eight again, the number is left to the general way.
        let power = POWERS_OF_TEN.get(count as usize)?;
        if count > 0 {
            value = value * power + eight_digits(digits << (64 - 8 * count));
        }
        end += count as usize;
        (end > start).then_some((value, end))
    }

    /// The next eight bytes, each without the bits that all digits have, and how many of them are digits from the first on.
    #[inline(always)]
    fn digits_at(&self, place: usize) -> Option<(u64, u32)> {
        let digits = u64::from_le_bytes(*self.bytes_from(place).first_chunk()?) ^ (ONES * b'0' as u64);
        let others = (digits.wrapping_add(ONES * 0x76) | digits) & HIGHEST;
        Some((digits, others.trailing_zeros() / 8))
    }

    /// A boolean.
    #[inline(always)]
    pub(super) fn take_plain_flag(&mut self) -> Option<bool> {
        let rest = self.bytes_from(self.place());
        let value = rest.first_chunk() == Some(b"true");
        if !value && rest.first_chunk() != Some(b"false") {
            return None;
        }
        self.go_to(self.place() + if value { 4 } else { 5 });
        Some(value)
    }
}

/// Whether two texts of the same length, which is at least four bytes, are the same. Compares eight bytes at once, some of
/// them twice: what the compiler calls for slices compares them one by one.
#[inline(always)]
fn is_same(text: &[u8], key: &[u8]) -> bool {
    let (Some(text_end), Some(key_end)) = (text.last_chunk::<8>(), key.last_chunk::<8>()) else {
        return text.first_chunk::<4>() == key.first_chunk::<4>() && text.last_chunk::<4>() == key.last_chunk::<4>();
    };
    text_end == key_end
        && text.first_chunk::<8>() == key.first_chunk::<8>()
        && (key.len() <= 16 || text.as_chunks::<8>().0.iter().zip(key.as_chunks::<8>().0).all(|(a, b)| a == b))
}

/// Marks each byte that does not stand for itself in a string: the highest bit of the first of them is set, and no bit
/// below it. Bits above it mean nothing, because a difference can borrow from the next byte. Source: "Bit Twiddling
/// Hacks" by Sean Eron Anderson, "Determine if a word has a byte less than n".
#[inline]
pub(super) const fn special_bytes(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash)) & HIGHEST
}

/// The number of eight decimal digits, the first of which is the lowest byte: pairs of them, then pairs of pairs. Source:
/// "Quickly parsing eight digits" by Daniel Lemire.
#[inline]
const fn eight_digits(digits: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let high = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let low = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    high.wrapping_add(low) >> 32
}

const ONES: u64 = u64::MAX / 255;
const HIGHEST: u64 = ONES << 7;
const POWERS_OF_TEN: [u64; 8] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_of_a_key_may_be_another() {
        let key: Vec<u8> = (b'A'..b'A' + 40).collect();
        for length in 4..key.len() {
            let key = &key[..length];
            assert!(is_same(key, key), "{length}");
            for place in 0..length {
                let mut other = key.to_vec();
                other[place] ^= 1;
                assert!(!is_same(&other, key), "{length}, {place}");
            }
        }
    }

    #[test]
    fn a_byte_that_means_something_in_a_string_is_found_wherever_it_stands() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut bytes = *b"\x20\x21\x23\x5b\x5d\x7f\x80\xff";
                bytes[place] = byte;
                let special = special_bytes(u64::from_le_bytes(bytes));
                let is_special = byte < b' ' || byte == b'"' || byte == b'\\';
                assert_eq!(special != 0, is_special, "{byte}");
                assert!(!is_special || special.trailing_zeros() as usize / 8 == place, "{byte}, {place}");
            }
        }
    }

    #[test]
    fn digits_are_counted_up_to_the_first_byte_that_is_none() {
        let others = (0..0x80).filter(|byte: &u8| !byte.is_ascii_digit()).map(char::from);
        for (other, place) in others.flat_map(|other| (0..20).map(move |place| (other, place))) {
            let mut text = String::from("12345678901234567890        ");
            text.replace_range(place..=place, other.encode_utf8(&mut [0; 4]));
            let value = text.get(..place).and_then(|digits| digits.parse().ok());
            let expected = value.filter(|_| place < 16).map(|value: u64| (value, place));
            assert_eq!(Cursor::new(&text).plain_digits(0), expected, "{text}");
        }
    }
}
