//! What a disk's verdict on itself means, whichever words its kind of drive has for it.

/// What a disk's verdict on itself (SMART) means.
///
/// The agent passes on what `smartctl` prints, and that differs by the kind of drive: ATA and NVMe say `PASSED` or
/// `FAILED!`, SAS says `OK` or names a `FAILURE PREDICTION`, and where nothing is known it is `UNKNOWN` or `UNKNOWN!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmartVerdict {
    /// The disk is well.
    Healthy,
    /// The disk fails, or expects to.
    Failing,
    /// The disk says nothing, or the host could not ask it.
    Unknown,
    /// A word that is not known: worth a look.
    Other,
}

impl SmartVerdict {
    /// The meaning of the agent's text; capitals, blanks around it and a `!` at its end do not matter.
    ///
    /// ```
    /// use agentapi_contract::SmartVerdict;
    ///
    /// assert_eq!(SmartVerdict::from_text("OK"), SmartVerdict::Healthy);
    /// assert_eq!(SmartVerdict::from_text("FAILED!"), SmartVerdict::Failing);
    /// ```
    pub fn from_text(text: &str) -> Self {
        let word = text.trim_ascii().trim_end_matches('!');
        let is_one_of = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
        // SAS drives say `FAILURE PREDICTION THRESHOLD EXCEEDED` and `HARDWARE IMPENDING FAILURE`, among others.
        let is_in = |part: &[u8]| word.as_bytes().windows(part.len()).any(|it| it.eq_ignore_ascii_case(part));
        if is_one_of(&["PASSED", "OK"]) {
            Self::Healthy
        } else if is_one_of(&["", "UNKNOWN"]) {
            Self::Unknown
        } else if is_one_of(&["FAILED", "FAILING"]) || is_in(b"FAILURE") {
            Self::Failing
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SmartVerdict::{self, Failing, Healthy, Other, Unknown};

    #[test]
    fn the_words_of_each_kind_of_drive_have_their_meaning() {
        let cases = [
            ("PASSED", Healthy),
            ("OK", Healthy),
            ("passed", Healthy),
            (" OK ", Healthy),
            ("FAILING", Failing),
            ("FAILED", Failing),
            ("FAILED!", Failing),
            ("FAILURE PREDICTION THRESHOLD EXCEEDED [asc=5d, ascq=0]", Failing),
            ("HARDWARE IMPENDING FAILURE GENERAL HARD DRIVE FAILURE", Failing),
            ("UNKNOWN", Unknown),
            ("UNKNOWN!", Unknown),
            ("", Unknown),
            ("PREFAIL", Other),
            ("NOT OK", Other),
            ("WARNING", Other),
        ];
        for (text, verdict) in cases {
            assert_eq!(SmartVerdict::from_text(text), verdict, "{text:?}");
        }
    }
}
