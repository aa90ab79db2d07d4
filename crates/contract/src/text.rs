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
//! # Where the categories come from
//!
//! From `core`, whose tables follow each version of Unicode: [`char::escape_debug`] leaves exactly the other categories
//! as they are. A crate would bring the same tables a second time, into a component of some hundred kilobytes. Which
//! characters `core` escapes is not promised, so a test compares every code point with the Unicode data of another
//! crate.

use alloc::borrow::Cow;
use alloc::string::String;
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

/// A value for a message: visible, in double quotes, and whole. Of one longer than [`MAX_EXCERPT_CHARS`] only the
/// length is told. It is not cut, because the half of a secret that somebody put there would not be masked.
pub fn excerpt(value: &str) -> String {
    match value.chars().count() {
        0..=MAX_EXCERPT_CHARS => ["\"", &visible(value), "\""].concat(),
        length => ["a text of ", &alloc::string::ToString::to_string(&length), " characters"].concat(),
    }
}

/// The longest value that [`excerpt`] shows, in characters: longer than a durable id, a path or a token usually is.
pub const MAX_EXCERPT_CHARS: usize = 128;

/// A character, and whether it may be shown where it stands.
enum Judged {
    Shown(char),
    Hidden(char),
}

fn judge(text: &str) -> Judge<'_> {
    Judge { rest: text.chars(), marks_allowed: 0 }
}

struct Judge<'a> {
    rest: Chars<'a>,
    /// How many marks may follow the last character.
    marks_allowed: u8,
}

impl Iterator for Judge<'_> {
    type Item = Judged;

    fn next(&mut self) -> Option<Judged> {
        let c = self.rest.next()?;
        let kind = Kind::of(c);
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
enum Kind {
    /// A letter, a digit, a symbol: a mark may follow it.
    Base,
    /// The blank and the punctuation of ASCII, which no language puts a mark on. U+0338 behind `=` is drawn as `≠`.
    Punctuation,
    /// A combining mark.
    Mark,
    Hidden,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_ascii_alphanumeric() {
            return Self::Base;
        }
        if matches!(c, ' '..='~') {
            return Self::Punctuation;
        }
        if is_ignorable(c) || is_blank(c) {
            return Self::Hidden;
        }
        // `char::escape_debug` escapes marks too; that of a text does so only where one begins the text.
        if c.escape_debug().len() == 1 {
            Self::Base
        } else if is_shown_inside(c) {
            Self::Mark
        } else {
            Self::Hidden
        }
    }
}

fn is_shown_inside(c: char) -> bool {
    let mut text = String::from('a');
    text.push(c);
    text.escape_debug().nth(1) == Some(c)
}

/// The letters and marks that have the property `Default_Ignorable_Code_Point`: nothing is drawn for them. The others
/// that have it are format characters or not assigned, and hidden as such.
const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}'
    )
}

/// Symbols whose shape is blank, which no property of Unicode tells: the Braille cell without dots, the musical note
/// without head, the fillers of Khitan and the blanks of hieroglyphs.
const fn is_blank(c: char) -> bool {
    matches!(c, '\u{2800}' | '\u{1d159}' | '\u{16fe4}' | '\u{13441}'..='\u{13442}')
}

#[cfg(test)]
mod tests;
