//! Numbers with their units, as people read them.

/// A number of bytes as GiB with one decimal.
pub(crate) fn gib(bytes: i64) -> String {
    const GIB: f64 = 1024.0 * 1024.0 * 1024.0;
    format!("{:.1} GiB", bytes as f64 / GIB)
}

/// A percentage (0.0 to 100.0) with one decimal.
pub(crate) fn percent(percentage: f64) -> String {
    format!("{percentage:.1}%")
}

/// A fraction (0.0 to 1.0) as a percentage.
pub(crate) fn fraction(fraction: f64) -> String {
    percent(fraction * 100.0)
}

/// A temperature, or a dash where there is none.
pub(crate) fn celsius(degrees: Option<i64>) -> String {
    degrees.map_or_else(|| "-".into(), |degrees| format!("{degrees} °C"))
}

/// Seconds, rounded down to at most two units: `14 d 6 h`, `1 h 1 min`, `59 min`, `59 s`.
pub(crate) fn duration(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match seconds {
        86_400.. => format!("{days} d {hours} h"),
        3600.. => format!("{hours} h {minutes} min"),
        60.. => format!("{minutes} min"),
        _ => format!("{seconds} s"),
    }
}

/// `yes` or `no`.
pub(crate) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// A number with its noun: `1 disk`, `2 disks`.
pub(crate) fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::{celsius, count, duration, fraction, gib, percent};

    #[test]
    fn sizes_are_gib_with_one_decimal() {
        let cases = [(0, "0.0 GiB"), (1 << 30, "1.0 GiB"), (512_110_190_592, "476.9 GiB"), (53_687_091, "0.0 GiB")];
        for (bytes, text) in cases {
            assert_eq!(gib(bytes), text);
        }
        assert_eq!(gib(i64::MAX), "8589934592.0 GiB");
        assert_eq!(gib(-(1 << 30)), "-1.0 GiB");
    }

    #[test]
    fn fractions_and_percentages_read_alike() {
        assert_eq!((fraction(0.255), percent(12.5)), ("25.5%".into(), "12.5%".into()));
    }

    #[test]
    fn durations_have_at_most_two_units() {
        let cases = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3660, "1 h 1 min"),
            (1_234_567, "14 d 6 h"),
            (-5, "-5 s"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn what_is_not_known_is_a_dash() {
        assert_eq!((celsius(Some(47)), celsius(None)), ("47 °C".into(), "-".into()));
    }

    #[test]
    fn one_is_singular() {
        assert_eq!((count(1, "disk"), count(0, "disk")), ("1 disk".into(), "0 disks".into()));
    }
}
