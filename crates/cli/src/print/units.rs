//! Numbers with their units, as people read them.

pub(crate) use agentapi_controller::console::size;

/// The text, or `?` where the agent does not know the size that it goes by: it says 0 then.
pub(crate) fn if_known(total_bytes: i64, text: impl FnOnce() -> String) -> String {
    if total_bytes > 0 { text() } else { UNKNOWN.into() }
}

/// A percentage (0.0 to 100.0) with one decimal.
pub(crate) fn percent(percentage: f64) -> String {
    format!("{percentage:.1}%")
}

/// A fraction (0.0 to 1.0) as a percentage.
pub(crate) fn fraction(fraction: f64) -> String {
    percent(fraction * 100.0)
}

/// A temperature, with `?` where it is not known.
pub(crate) fn celsius(degrees: Option<i64>) -> String {
    degrees.map_or_else(|| format!("{UNKNOWN} °C"), |degrees| format!("{degrees} °C"))
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

/// What stands where a figure is not known.
pub(crate) const UNKNOWN: &str = "?";

#[cfg(test)]
mod tests {
    use super::{celsius, count, duration, fraction, if_known, percent, size};

    #[test]
    fn sizes_have_a_fitting_unit_and_one_decimal() {
        let cases = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (53_687_091, "51.2 MiB"),
            (1 << 30, "1.0 GiB"),
            (512_110_190_592, "476.9 GiB"),
            (4_000_787_030_016, "3.6 TiB"),
            (i64::MAX, "8.0 EiB"),
            (-(1 << 30), "-1.0 GiB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
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
    fn what_is_not_known_is_a_question_mark() {
        assert_eq!((celsius(Some(47)), celsius(None)), ("47 °C".into(), "? °C".into()));
        assert_eq!((if_known(1, || "x".into()), if_known(0, || "x".into())), ("x".into(), "?".into()));
    }

    #[test]
    fn one_is_singular() {
        assert_eq!((count(1, "disk"), count(0, "disk")), ("1 disk".into(), "0 disks".into()));
    }
}
