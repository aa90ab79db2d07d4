//! What of a text may be shown to a person, and pasted.
//!
//! A terminal obeys control characters: they move the cursor, change colours, rewrite the lines above. Other characters
//! have no shape of their own, or reorder what is beside them. With either, a text that a stranger wrote can look like
//! another one, and a disk like the disk beside it. So whatever prints a text that is not the project's own passes it
//! through [`visible`].
//!
//! # The rule
//!
//! A character is **hidden** if its general category is a control (Cc), a format character (Cf: direction marks, soft
//! hyphen, zero width, tags), a surrogate, for private use (Co), not assigned (Cn), a line or paragraph separator (Zl,
//! Zp) or a blank other than U+0020 (Zs); if it has the property `Default_Ignorable_Code_Point` (fillers, variation
//! selectors); or if it is one of the few symbols whose shape is blank, such as U+2800.
//!
//! A **combining mark** (`Grapheme_Extend`) is shown behind a letter, digit or symbol, and behind at most three other marks,
//! which is what the languages of the world need. Anywhere else it is hidden: it would be drawn over a quote, a slash or
//! the beginning of a column.
//!
//! Every other character is shown as it is.
//!
//! The categories and properties of all code points are in a table of two kilobytes, which a test makes anew from the
//! Unicode data of other crates and compares. Those crates, and the tables of `core`, are three times as large, and the
//! component is small on purpose.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt::Write;
use core::str::Chars;

/// The text with each hidden character written as Rust writes it, such as `\u{200b}` or `\n`.
///
/// It never holds a hidden character, and is idempotent: what it gives is given back unchanged, so it does no harm
/// where a text passes through several layers that each make sure. It is not injective: a text that holds the eight
/// characters `\u{200b}` looks like one with that character. What must be told apart exactly is refused where
/// [`is_visible`] is false.
///
/// ```
/// use agentapi_contract::visible;
///
/// assert_eq!(visible("/mnt/felhom/ő 🔒"), "/mnt/felhom/ő 🔒");
/// assert_eq!(visible("sda\u{200b}1 \u{1b}[2J"), r"sda\u{200b}1 \u{1b}[2J");
/// ```
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_visible(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in judge(text) {
        match character {
            Judged::Shown(c) => escaped.push(c),
            // Writing to a `String` never fails.
            Judged::Hidden(c) => drop(write!(escaped, "{}", c.escape_default())),
        }
    }
    Cow::Owned(escaped)
}

/// A JSON text with each hidden character as a JSON escape, so that it means the same. Control characters below U+0020
/// are left: in JSON they can only stand between values, as blanks.
pub fn visible_json(json: String) -> String {
    let must_be_escaped = |character: &Judged| matches!(*character, Judged::Hidden(c) if c > '\u{1f}');
    if !judge(&json).any(|character| must_be_escaped(&character)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for character in judge(&json) {
        match character {
            Judged::Hidden(c) if c > '\u{1f}' => {
                // Beyond the basic plane JSON writes a character as two surrogates. Writing to a `String` never fails.
                let _ = c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(escaped, "\\u{unit:04x}"));
            }
            Judged::Hidden(c) | Judged::Shown(c) => escaped.push(c),
        }
    }
    escaped
}

/// Whether every character of the text is shown, so that a person who reads it sees all that it holds.
pub fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || judge(text).all(|it| matches!(it, Judged::Shown(_)))
}

/// A value for a message: visible, in double quotes, and whole. Of one longer than [`MAX_EXCERPT_BYTES`] only the
/// length is told. It is not cut, because the half of a secret that somebody put there would not be masked.
pub fn excerpt(value: &str) -> String {
    if value.len() > MAX_EXCERPT_BYTES {
        return ["a text of ", &value.len().to_string(), " bytes"].concat();
    }
    ["\"", &visible(value), "\""].concat()
}

/// The longest value that [`excerpt`] shows, in bytes: longer than a durable id, a path or a token usually is.
pub const MAX_EXCERPT_BYTES: usize = 128;

/// A character, and whether it may be shown where it stands.
enum Judged {
    Shown(char),
    Hidden(char),
}

fn judge(text: &str) -> Judge<'_> {
    Judge { rest: text.chars(), marks_allowed: 0, last: Run::ASCII }
}

struct Judge<'a> {
    rest: Chars<'a>,
    /// How many marks may follow the last character.
    marks_allowed: u8,
    /// The run of the last character beyond ASCII. The next one is most often in it too.
    last: Run,
}

impl Iterator for Judge<'_> {
    type Item = Judged;

    fn next(&mut self) -> Option<Judged> {
        let c = self.rest.next()?;
        let kind = match c {
            '0'..='9' | 'A'..='Z' | 'a'..='z' => Kind::Base,
            ' '..='~' => Kind::Punctuation,
            _ => {
                if !self.last.contains(c) {
                    self.last = Run::of(c);
                }
                self.last.kind
            }
        };
        let is_shown = match kind {
            Kind::Base | Kind::Punctuation => true,
            Kind::Mark => self.marks_allowed > 0,
            Kind::Hidden => false,
        };
        self.marks_allowed = match kind {
            Kind::Base => MAX_MARKS,
            Kind::Mark => self.marks_allowed.saturating_sub(1),
            Kind::Punctuation | Kind::Hidden => 0,
        };
        Some(if is_shown { Judged::Shown(c) } else { Judged::Hidden(c) })
    }
}

/// Combining marks behind one character. Vietnamese has two, Hebrew with points and accents four; more are drawn over the
/// lines above and below.
const MAX_MARKS: u8 = 4;

/// What matters of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A letter, a digit, a symbol: a mark may follow it.
    Base,
    /// A combining mark.
    Mark,
    Hidden,
    /// The blank and the punctuation of ASCII, which no language puts a mark on. U+0338 behind `=` is drawn as `≠`.
    Punctuation,
}

/// Neighbouring code points of one kind.
#[derive(Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    kind: Kind,
}

impl Run {
    /// What comes before the table. The controls of ASCII are found here, its other characters before a run is asked for.
    const ASCII: Self = Self { start: 0, end: 0x80, kind: Kind::Hidden };

    fn contains(self, c: char) -> bool {
        (self.start..self.end).contains(&u32::from(c))
    }

    /// The run of a character.
    fn of(c: char) -> Self {
        let mut run = Self::ASCII;
        let (mut shift, mut length, mut kind) = (0, 0, run.kind);
        for &byte in TABLE {
            if run.contains(c) {
                break;
            }
            if shift == 0 {
                kind = kind.another(byte & 1 == 1);
                (length, shift) = (u32::from(byte >> 1 & 0x3f), 6);
            } else {
                length |= u32::from(byte & 0x7f) << shift;
                shift += 7;
            }
            if byte < 0x80 {
                run = Self { start: run.end, end: run.end + length, kind };
                shift = 0;
            }
        }
        run
    }
}

impl Kind {
    /// One of the two other kinds that the table knows.
    fn another(self, is_second: bool) -> Self {
        match (self, is_second) {
            (Self::Mark, false) | (Self::Hidden, false) => Self::Base,
            (Self::Base, false) | (Self::Hidden, true) => Self::Mark,
            _ => Self::Hidden,
        }
    }
}

/// All code points from U+0080 on, as runs of one kind. The first byte of a run has in bit 0 which of the two other kinds
/// than that of the run before it is, and in bits 1 to 6 the lowest bits of its length; where bit 7 is set, a byte with
/// seven more bits follows.
const TABLE: &[u8] = include_bytes!("text/kinds.bin");

#[cfg(test)]
mod tests;
