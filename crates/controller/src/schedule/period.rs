//! Durations as people write them: `90s`, `10m`, `1h 30m`, `26h`, `7d`.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a duration such as 90s, 10m, 1h30m, 26h or 7d, found {found:?}")]
pub struct PeriodError {
    found: String,
}

/// Reads whole numbers with the units ms, s, m, h and d; several are added. A day has 24 hours.
///
/// # Errors
///
/// [`PeriodError`] for anything else, such as `10`, `1.5h`, `-1m`, and what no [`Duration`] can hold.
pub fn parse_period(text: &str) -> Result<Duration, PeriodError> {
    let wrong = || PeriodError { found: text.to_owned() };
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (digits, after) = split_while(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_while(after, |c| c.is_ascii_alphabetic());
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let count: u64 = digits.parse().map_err(|_| wrong())?;
        let part = count.checked_mul(*scale).map(Duration::from_millis);
        sum = part.and_then(|part| sum.checked_add(part)).ok_or_else(wrong)?;
        rest = after.trim_start();
    }
    Ok(sum)
}

/// The same duration, in the largest units: `1h 30m`. What is less than a millisecond is left out.
pub fn period_text(period: Duration) -> String {
    let mut left = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (name, scale) in UNITS {
        if left >= scale {
            parts.push(format!("{}{name}", left / scale));
            left %= scale;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

fn split_while(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// In milliseconds, the largest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_alike() {
        for (text, seconds, printed) in [
            ("90s", 90, "1m 30s"),
            ("10m", 600, "10m"),
            ("1h30m", 5400, "1h 30m"),
            (" 1h 30m ", 5400, "1h 30m"),
            ("26h", 93_600, "1d 2h"),
            ("7d", 604_800, "7d"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(parse_period(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(period_text(Duration::from_secs(seconds)), printed);
        }
        assert_eq!(parse_period("250ms"), Ok(Duration::from_millis(250)));
        for text in
            ["", "10", "1.5h", "-1m", "+1m", "m", "1 m", "1w", "10m5", "99999999999999999999s", "9999999999999999d"]
        {
            let error = parse_period(text).unwrap_err().to_string();
            assert!(error.ends_with(&format!("found {text:?}")), "{error}");
        }
    }
}
