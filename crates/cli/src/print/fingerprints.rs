//! Fingerprints one under the other, for eyes to compare.

use agentapi_host::Fingerprint;

/// One line for each, with its label. Where the usual form does not fit, all of them are written without the colons,
/// which `--fingerprint` takes too: half a fingerprint in the next line could be neither compared nor pasted.
pub(crate) fn aligned(rows: &[(&str, Fingerprint)], margin: usize, columns: Option<usize>) -> String {
    let label_width = rows.iter().map(|(label, _)| label.len()).max().unwrap_or(0) + 2;
    let fits = columns.is_none_or(|columns| margin + label_width + WITH_COLONS <= columns);
    let form = |fingerprint: &Fingerprint| {
        let text = fingerprint.to_string();
        if fits { text } else { text.replace(':', "") }
    };
    rows.iter().map(|(label, value)| format!("{:margin$}{label:<label_width$}{}\n", "", form(value))).collect()
}

/// 32 pairs of digits, and the colons between them.
const WITH_COLONS: usize = 32 * 3 - 1;

#[cfg(test)]
mod tests {
    use agentapi_host::Fingerprint;

    use super::aligned;

    #[test]
    fn they_stand_one_under_the_other_and_whole() {
        let rows = [("expected", Fingerprint::from_bytes([1; 32])), ("presented", Fingerprint::from_bytes([2; 32]))];
        let [one, two] = ["01", "02"].map(|pair| [pair; 32]);
        let expected = format!("  expected   {}\n  presented  {}\n", one.join(":"), two.join(":"));
        assert_eq!(aligned(&rows, 2, Some(108)), expected);
        assert_eq!(aligned(&rows, 2, None), expected);
        let narrow = format!("  expected   {}\n  presented  {}\n", one.concat(), two.concat());
        assert_eq!(aligned(&rows, 2, Some(107)), narrow);
        assert!(narrow.lines().all(|line| line.len() <= 80));
    }
}
