//! The set of fingerprints that one agent is pinned to.

use alloc::vec::Vec;
use core::fmt;

use crate::Fingerprint;

/// One to eight fingerprints of an agent's leaf certificate, any of which may match.
///
/// Several are allowed so that a certificate can be rotated without an outage: the old and the new one are both pinned
/// until the agent presents the new one. None is refused, because a client without a pin would trust any certificate.
///
/// ```
/// # use agentapi_contract::{Fingerprint, Pins};
/// let (old, new) = (Fingerprint::from_bytes([1; 32]), Fingerprint::from_bytes([2; 32]));
/// let pins = Pins::try_from(vec![old, new])?;
/// assert!(pins.contains(&new));
///
/// assert_eq!(Pins::try_from(vec![]).unwrap_err().to_string(), "expected 1 to 8, found 0");
/// # Ok::<(), agentapi_contract::PinsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pins(Vec<Fingerprint>);

/// The number of pins is zero or above [`Pins::MAX`]; holds the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinsError {
    found: usize,
}

impl Pins {
    /// More pins than this are not a rotation but a mistake, such as a whole directory of certificates.
    pub const MAX: usize = 8;

    /// Whether so many pins are allowed: for callers that have texts, and want to say that there are too many before
    /// they parse any of them.
    ///
    /// # Errors
    ///
    /// Zero, and more than [`Pins::MAX`].
    pub const fn check_count(count: usize) -> Result<(), PinsError> {
        match count {
            1..=Self::MAX => Ok(()),
            found => Err(PinsError { found }),
        }
    }

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
        Self::check_count(pins.len())?;
        Ok(Self(pins))
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
