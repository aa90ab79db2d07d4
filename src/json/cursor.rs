//! A place in a JSON text, and the parts of the syntax from there on: blanks, strings, literals, commas and brackets.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};

use super::escape;
use super::fault::Fault;
use super::plain::special_bytes;

/// A place in a text.
pub(super) struct Cursor<'t> {
    text: &'t str,
    /// The index of the next byte.
    at: usize,
    /// What ended the reading, and the index of the byte behind it.
    fault: Option<(Fault, usize)>,
}

/// The text is not JSON, and the cursor knows why. Without a value of its own, so that each function returns it in a
/// register.
pub(super) struct Malformed;

pub(super) type Result<T> = core::result::Result<T, Malformed>;

impl<'t> Cursor<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { text, at: 0, fault: None }
    }

    /// The next byte; none at the end of the text.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes past the next byte, which must have been seen.
    pub(super) fn advance(&mut self) {
        self.at += 1;
    }

    /// Goes past blanks. Returns the byte behind them, which is not gone past; none at the end of the text.
    #[inline]
    pub(super) fn token(&mut self) -> Option<u8> {
        match self.peek() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.token_behind_blanks(),
        }
    }

    #[cold]
    #[inline(never)]
    fn token_behind_blanks(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.advance();
        }
        self.peek()
    }

    /// The end of the whole text: only blanks may follow.
    pub(super) fn end(&mut self) -> Result<()> {
        match self.token() {
            Some(_) => self.fail_at(Fault::TrailingCharacters),
            None => Ok(()),
        }
    }

    /// The rest of a literal, whose first byte has been seen.
    pub(super) fn literal(&mut self, literal: &str) -> Result<()> {
        for expected in literal.bytes() {
            match self.peek() {
                None => return self.fail_behind(Fault::EndInValue),
                Some(byte) => {
                    self.advance();
                    if byte != expected {
                        return self.fail_behind(Fault::Literal);
                    }
                }
            }
        }
        Ok(())
    }

    /// Goes past the comma in front of an element and finds whether there is one; at the end of the array, goes past its
    /// bracket.
    pub(super) fn has_element(&mut self, is_first: &mut bool) -> Result<bool> {
        match self.token() {
            Some(b']') => {
                self.advance();
                Ok(false)
            }
            Some(_) if *is_first => {
                *is_first = false;
                Ok(true)
            }
            Some(b',') => {
                self.advance();
                match self.token() {
                    Some(b']') => self.fail_at(Fault::TrailingComma),
                    Some(_) => Ok(true),
                    None => self.fail_at(Fault::EndInValue),
                }
            }
            Some(_) => self.fail_at(Fault::ArrayComma),
            None => self.fail_at(Fault::EndInArray),
        }
    }

    /// Goes past the comma and the opening quote of a key and finds whether there is one; at the end of the object, goes
    /// past its brace.
    pub(super) fn has_key(&mut self, is_first: &mut bool) -> Result<bool> {
        let mut token = self.token();
        if token == Some(b',') && !*is_first {
            self.advance();
            token = self.token();
            match token {
                Some(b'}') => return self.fail_at(Fault::TrailingComma),
                None => return self.fail_at(Fault::EndInValue),
                Some(_) => *is_first = true,
            }
        }
        match token {
            Some(b'"') if *is_first => {
                *is_first = false;
                self.advance();
                Ok(true)
            }
            Some(b'}') => {
                self.advance();
                Ok(false)
            }
            Some(_) => self.fail_at(if *is_first { Fault::Key } else { Fault::ObjectComma }),
            None => self.fail_at(Fault::EndInObject),
        }
    }

    /// The colon behind a key.
    pub(super) fn colon(&mut self) -> Result<()> {
        match self.token() {
            Some(b':') => {
                self.advance();
                Ok(())
            }
            Some(_) => self.fail_at(Fault::Colon),
            None => self.fail_at(Fault::EndInObject),
        }
    }

    /// The text of a string whose opening quote has been gone past.
    #[inline]
    pub(super) fn string(&mut self) -> Result<Cow<'t, str>> {
        let start = self.at;
        if self.skip_plain() == Some(b'"') {
            let plain = self.text_between(start, self.at).unwrap_or_default();
            self.advance();
            return Ok(Cow::Borrowed(plain));
        }
        self.string_with_escapes(start).map(Cow::Owned)
    }

    #[cold]
    #[inline(never)]
    fn string_with_escapes(&mut self, mut start: usize) -> Result<String> {
        let mut unescaped = String::new();
        loop {
            let end = self.skip_plain();
            unescaped.push_str(self.text_between(start, self.at).unwrap_or_default());
            match end {
                Some(b'"') => {
                    self.advance();
                    return Ok(unescaped);
                }
                Some(b'\\') => {
                    self.advance();
                    unescaped.push(escape::read(self)?);
                    start = self.at;
                }
                Some(_) => {
                    self.advance();
                    return self.fail_behind(Fault::ControlCharacter);
                }
                None => return self.fail_behind(Fault::EndInString),
            }
        }
    }

    /// Goes past a string whose opening quote has been gone past.
    pub(super) fn skip_string(&mut self) -> Result<()> {
        loop {
            match self.skip_plain() {
                Some(b'"') => {
                    self.advance();
                    return Ok(());
                }
                Some(b'\\') => {
                    self.advance();
                    escape::skip(self)?;
                }
                Some(_) => return self.fail_behind(Fault::ControlCharacter),
                None => return self.fail_behind(Fault::EndInString),
            }
        }
    }

    /// Goes past all characters of a string that stand for themselves. Returns the byte behind them: a quote, a
    /// backslash or a control character; none at the end of the text.
    #[inline]
    fn skip_plain(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(chunk) = bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let special = special_bytes(u64::from_le_bytes(*chunk));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return self.peek();
            }
            self.at += 8;
        }
        self.skip_plain_at_end()
    }

    /// The same in the last seven bytes of the text, where hardly a string ends.
    #[cold]
    #[inline(never)]
    fn skip_plain_at_end(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(byte) if byte >= b' ' && byte != b'"' && byte != b'\\' => self.advance(),
                end => return end,
            }
        }
    }

    /// The next bytes, which are gone past; none, and nothing is gone past, where there are fewer.
    pub(super) fn take<const N: usize>(&mut self) -> Option<&'t [u8; N]> {
        let taken = self.text.as_bytes().get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(taken)
    }

    #[inline]
    pub(super) const fn place(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) const fn go_to(&mut self, place: usize) {
        self.at = place;
    }

    pub(super) fn go_to_end(&mut self) {
        self.at = self.text.len();
    }

    /// What follows from a place on; nothing behind the end.
    #[inline]
    pub(super) fn bytes_from(&self, place: usize) -> &'t [u8] {
        self.text.as_bytes().get(place..).unwrap_or_default()
    }

    /// The bytes between two places; none where the text has ended before.
    #[inline]
    pub(super) fn bytes_between(&self, start: usize, end: usize) -> Option<&'t [u8]> {
        self.text.as_bytes().get(start..end)
    }

    /// The text between two places; none if one of them is within a character.
    #[inline]
    pub(super) fn text_between(&self, start: usize, end: usize) -> Option<&'t str> {
        self.text.get(start..end)
    }

    /// Fails because of what has been gone past last.
    #[cold]
    pub(super) fn fail_behind<T>(&mut self, fault: Fault) -> Result<T> {
        self.fail(fault, self.at)
    }

    /// Fails because of what comes next.
    #[cold]
    pub(super) fn fail_at<T>(&mut self, fault: Fault) -> Result<T> {
        self.fail(fault, self.text.len().min(self.at + 1))
    }

    #[cold]
    pub(super) fn fail<T>(&mut self, fault: Fault, behind: usize) -> Result<T> {
        self.fault = Some((fault, behind));
        Err(Malformed)
    }

    /// What is wrong with the text, and where.
    pub(super) fn why(&self) -> String {
        let (fault, behind) = self.fault.unwrap_or((Fault::EndInValue, self.text.len()));
        let before = self.text.as_bytes().get(..behind).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        [fault.text(), " at line ", &line.to_string(), " column ", &column.to_string()].concat()
    }
}
