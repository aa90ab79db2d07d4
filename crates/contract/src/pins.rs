//! The fingerprints that one agent may present.

use alloc::vec::Vec;
use core::fmt;

use crate::Fingerprint;

/// One to eight fingerprints of an agent's leaf certificate, any of which may match.
///
/// Several, so that a certificate can be changed without an outage: both are pinned while the agent changes over. Never
/// none, because a client without a pin would connect to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pins(Vec<Fingerprint>);

/// There are no pins, or more than [`Pins::MAX`]; holds how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinsError {
    found: usize,
}

impl Pins {
    /// More pins than this are not a rotation but a mistake, such as a whole directory of certificates.
    pub const MAX: usize = 8;

    /// The pins, in the order in which they were given.
    pub fn as_slice(&self) -> &[Fingerprint] {
        &self.0
    }

    /// Whether this fingerprint is pinned.
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.0.contains(fingerprint)
    }

    /// The pins, in the order in which they were given.
    pub fn iter(&self) -> core::slice::Iter<'_, Fingerprint> {
        self.0.iter()
    }
}

impl TryFrom<Vec<Fingerprint>> for Pins {
    type Error = PinsError;

    fn try_from(pins: Vec<Fingerprint>) -> Result<Self, PinsError> {
        match pins.len() {
            1..=Self::MAX => Ok(Self(pins)),
            found => Err(PinsError { found }),
        }
    }
}

impl From<Fingerprint> for Pins {
    fn from(pin: Fingerprint) -> Self {
        Self(alloc::vec![pin])
    }
}

impl<'a> IntoIterator for &'a Pins {
    type Item = &'a Fingerprint;
    type IntoIter = core::slice::Iter<'a, Fingerprint>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for PinsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected 1 to {}, found {}", Pins::MAX, self.found)
    }
}

impl core::error::Error for PinsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_eight_are_taken_and_kept_in_their_order() {
        let pins =
            |count: u8| Pins::try_from((0..count).map(|byte| Fingerprint::from_bytes([byte; 32])).collect::<Vec<_>>());
        assert_eq!(pins(0).unwrap_err().to_string(), "expected 1 to 8, found 0");
        assert_eq!(pins(9).unwrap_err().to_string(), "expected 1 to 8, found 9");
        let eight = pins(8).unwrap();
        assert_eq!(eight.iter().map(|pin| pin.as_bytes()[0]).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(
            eight.contains(&Fingerprint::from_bytes([7; 32])) && !eight.contains(&Fingerprint::from_bytes([8; 32]))
        );
    }
}
