//! Pages of what can grow without end: `limit` items, and a `cursor` that leads to the next page.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// How many items a page has at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct Limit(u32);

impl Limit {
    pub(super) fn get(self) -> u32 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(100)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(items: u32) -> Result<Self, String> {
        match items {
            1..=MAX_LIMIT => Ok(Self(items)),
            _ => Err(format!("expected 1 to {MAX_LIMIT}, found {items}")),
        }
    }
}

/// Where a page ends: the key of its last item, and never a place in the list, which moves as the list grows. The letter
/// says which list it is of, so that a cursor of another one is refused and does not lead somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Cursor<const LIST: char>(pub(super) i64);

impl<const LIST: char> fmt::Display for Cursor<LIST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{LIST}{}", self.0)
    }
}

impl<const LIST: char> FromStr for Cursor<LIST> {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix(LIST).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let key = digits.and_then(|digits| digits.parse().ok());
        key.map(Self).ok_or("expected the cursor of an earlier page of this list")
    }
}

impl<const LIST: char> TryFrom<String> for Cursor<LIST> {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl<const LIST: char> Serialize for Cursor<LIST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The list of runs.
pub(super) const RUNS: char = 'r';
/// The list of approvals.
pub(super) const APPROVALS: char = 'a';
/// The list of events.
pub(super) const EVENTS: char = 'e';
/// The log of a run.
pub(super) const LINES: char = 'l';
/// Items of a page: some 200 KiB of runs.
pub(super) const MAX_LIMIT: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::{Cursor, EVENTS, Limit, MAX_LIMIT, RUNS};

    #[test]
    fn a_cursor_comes_back_as_it_was_and_one_of_another_list_is_refused() {
        let cursor = Cursor::<RUNS>(17).to_string();
        assert_eq!(cursor.parse(), Ok(Cursor::<RUNS>(17)));
        assert!(cursor.parse::<Cursor<EVENTS>>().is_err());
        for wrong in ["", "r", "17", "r-1", "r+1", "r1x", "r99999999999999999999"] {
            assert!(wrong.parse::<Cursor<RUNS>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_page_has_one_item_at_least_and_not_too_many() {
        assert_eq!(Limit::try_from(MAX_LIMIT).unwrap().get(), MAX_LIMIT);
        assert_eq!(Limit::try_from(0).unwrap_err(), "expected 1 to 1000, found 0");
        assert!(Limit::try_from(MAX_LIMIT + 1).is_err());
    }
}
