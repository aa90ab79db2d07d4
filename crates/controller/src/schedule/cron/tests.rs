use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Cron, CronError};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// The due times after an instant, as civil times with offset.
fn due(cron: &str, zone_name: &str, after: &str, count: usize) -> Vec<String> {
    let (cron, zone): (Cron, _) = (cron.parse().unwrap(), zone(zone_name));
    let first = after.parse::<Timestamp>().unwrap();
    let after_next = |last: &Timestamp| cron.next_after(*last, &zone);
    let list = std::iter::successors(cron.next_after(first, &zone), after_next).take(count);
    list.map(|due| due.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()).collect()
}

#[test]
fn a_fixed_time_in_the_missing_hour_comes_once_at_the_first_instant_after_it() {
    let before = "2026-03-28T15:00:00Z";
    for (cron, expected) in [
        ("30 2 * * *", ["2026-03-29 03:00 +02:00", "2026-03-30 02:30 +02:00"]),
        ("*/10 2 * * *", ["2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"]),
        ("0 2,3 * * *", ["2026-03-29 03:00 +02:00", "2026-03-30 02:00 +02:00"]),
        // croner by itself loses the run at two here, since the expression names two hours.
        ("0 2,14 * * *", ["2026-03-29 03:00 +02:00", "2026-03-29 14:00 +02:00"]),
        ("0 2 29 * *", ["2026-03-29 03:00 +02:00", "2026-04-29 02:00 +02:00"]),
    ] {
        assert_eq!(due(cron, "Europe/Berlin", before, 2), expected, "{cron}");
    }
    // Half an hour is missing there, and a whole day was in Samoa.
    let expected = ["2026-10-04 02:30 +11:00", "2026-10-05 02:15 +11:00"];
    assert_eq!(due("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 2), expected);
    let expected = ["2011-12-29 12:00 -10:00", "2011-12-31 00:00 +14:00", "2011-12-31 12:00 +14:00"];
    assert_eq!(due("0 12 * * *", "Pacific/Apia", "2011-12-29T12:00:00Z", 3), expected);
}

/// Why these rules are kept here. Should this fail with a later croner, its own may have become good enough.
#[test]
fn croner_by_itself_loses_and_repeats_fixed_times_of_several_hours() {
    let cron: croner::Cron = "0 2,14 * * *".parse().unwrap();
    let next = |after: &str| {
        let after = after.parse::<Timestamp>().unwrap().to_zoned(zone("Europe/Berlin"));
        cron.find_next_occurrence(&after, false).unwrap().timestamp().to_string()
    };
    assert_eq!(next("2026-03-28T15:00:00Z"), "2026-03-29T12:00:00Z");
    assert_eq!(next("2026-10-25T00:00:00Z"), "2026-10-25T01:00:00Z");
}

#[test]
fn a_fixed_time_in_the_hour_that_comes_twice_comes_the_first_time() {
    let before = "2026-10-24T12:00:00Z";
    for (cron, expected) in [
        ("30 2 * * *", ["2026-10-25 02:30 +02:00", "2026-10-26 02:30 +01:00"]),
        ("0,30 2 * * *", ["2026-10-25 02:00 +02:00", "2026-10-25 02:30 +02:00"]),
        ("0 2,3 * * *", ["2026-10-25 02:00 +02:00", "2026-10-25 03:00 +01:00"]),
    ] {
        assert_eq!(due(cron, "Europe/Berlin", before, 2), expected, "{cron}");
    }
    // From within the second time, nothing of it is due any more.
    assert_eq!(due("*/15 2 * * *", "Europe/Berlin", "2026-10-25T01:05:00Z", 1), ["2026-10-26 02:00 +01:00"]);
    let expected = ["2026-11-01 01:30 -04:00", "2026-11-02 01:30 -05:00"];
    assert_eq!(due("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2), expected);
}

#[test]
fn patterns_of_every_hour_go_on_as_time_passes() {
    let twice = ["2026-10-25 01:30 +02:00", "2026-10-25 02:00 +02:00", "2026-10-25 02:30 +02:00"];
    let twice =
        [&twice[..], &["2026-10-25 02:00 +01:00", "2026-10-25 02:30 +01:00", "2026-10-25 03:00 +01:00"]].concat();
    assert_eq!(due("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", 6), twice);
    let missing = ["2026-03-29 01:30 +01:00", "2026-03-29 03:00 +02:00", "2026-03-29 03:30 +02:00"];
    assert_eq!(due("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", 3), missing);
    // What begins in the gap is not made up for: the next of every second hour follows.
    let missing = ["2026-03-29 00:00 +01:00", "2026-03-29 04:00 +02:00"];
    assert_eq!(due("0 */2 * * *", "Europe/Berlin", "2026-03-28T22:30:00Z", 2), missing);
    let twice = ["2026-04-05 01:00 +11:00", "2026-04-05 02:00 +10:30"];
    assert_eq!(due("@hourly", "Australia/Lord_Howe", "2026-04-04T13:30:00Z", 2), twice);
    // Elapsed time, so that an expression of some days only stops with the day.
    let all = due("30 0-23 1 * *", "UTC", "2026-01-01T22:00:00Z", 3);
    assert_eq!(all, ["2026-01-01 22:30 +00:00", "2026-01-01 23:30 +00:00", "2026-02-01 00:30 +00:00"]);
}

#[test]
fn days_that_not_every_month_or_year_has() {
    for (cron, expected) in [
        ("0 3 29 2 *", ["2028-02-29", "2032-02-29", "2036-02-29"]),
        ("0 3 31 * *", ["2026-12-31", "2027-01-31", "2027-03-31"]),
        ("0 3 L * *", ["2026-12-31", "2027-01-31", "2027-02-28"]),
        // Either is enough, and both with a plus sign.
        ("0 3 13 * FRI", ["2026-12-04", "2026-12-11", "2026-12-13"]),
        ("0 3 13 * +FRI", ["2027-08-13", "2028-10-13", "2029-04-13"]),
        ("0 3 * * 7", ["2026-12-06", "2026-12-13", "2026-12-20"]),
        ("0 3 * * SUN#1", ["2026-12-06", "2027-01-03", "2027-02-07"]),
    ] {
        let expected: Vec<_> = expected.iter().map(|day| format!("{day} 03:00 +00:00")).collect();
        assert_eq!(due(cron, "UTC", "2026-12-01T00:00:00Z", 3), expected, "{cron}");
    }
    // 2100 has no 29 February.
    assert_eq!(due("0 3 29 2 *", "UTC", "2096-03-01T00:00:00Z", 1), ["2104-02-29 03:00 +00:00"]);
}

#[test]
fn a_time_within_a_second_changes_nothing() {
    assert_eq!(due("0 2 * * *", "UTC", "2026-12-01T01:59:59.999Z", 1), ["2026-12-01 02:00 +00:00"]);
    assert_eq!(due("0 2 * * *", "UTC", "2026-12-01T02:00:00Z", 1), ["2026-12-02 02:00 +00:00"]);
    assert_eq!(due("0 2 * * *", "UTC", "2026-12-01T02:00:00.001Z", 1), ["2026-12-02 02:00 +00:00"]);
}

#[test]
fn five_years_of_due_times_grow_strictly_in_every_zone() {
    let new_year = |year, zone: &TimeZone| date(year, 1, 1).to_zoned(zone.clone()).unwrap().timestamp();
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"] {
        let zone = zone(name);
        // The longest a due time may be from the one before: a day and the hour by which clocks are changed, and so on.
        for (cron, longest_hours) in [
            ("30 2 * * *", 25),
            ("0 1,2,3 * * *", 24),
            ("*/20 1-3 * * *", 23),
            ("0 */3 * * *", 5),
            ("0 3 * * MON", 169),
        ] {
            let parsed: Cron = cron.parse().unwrap();
            let mut last = new_year(2026, &zone);
            let mut count = 0;
            loop {
                let next = parsed.next_after(last, &zone).unwrap();
                if next >= new_year(2031, &zone) {
                    break;
                }
                assert!(next > last, "{name} {cron}: {next} after {last}");
                let pause = next.duration_since(last);
                let is_first = count == 0;
                assert!(
                    is_first || pause <= SignedDuration::from_hours(longest_hours),
                    "{name} {cron}: {last} to {next}"
                );
                // A second before, it is the next one as well: nothing depends on where one looks from.
                let just_before = next - SignedDuration::from_secs(1);
                assert!(
                    just_before < last || parsed.next_after(just_before, &zone) == Some(next),
                    "{name} {cron} {next}"
                );
                (last, count) = (next, count + 1);
            }
            // Once on each of the 1826 days, whatever clocks did.
            assert!(cron != "30 2 * * *" || count == 1826, "{name}: {count}");
        }
    }
}

#[test]
fn what_is_no_expression_is_refused_with_the_reason() {
    for (text, expected) in [
        ("", "found \"\": cronpattern cannot be an empty string"),
        ("0 2 * *", "pattern must have 5 fields when seconds are disallowed"),
        ("0 0 2 * * *", "pattern must have 5 fields when seconds are disallowed"),
        ("60 2 * * *", "found \"60 2 * * *\": component error: "),
        ("0 2 * * FUN", "pattern contains illegal characters"),
        ("@sometimes", "found \"@sometimes\": "),
    ] {
        let error = text.parse::<Cron>().unwrap_err().to_string();
        assert!(error.starts_with("expected five fields: minute,") && error.contains(expected), "{error}");
    }
    assert_eq!("0 0 31 2 *".parse::<Cron>().unwrap_err(), CronError::Never("0 0 31 2 *".into()));
}

#[test]
fn no_text_makes_the_parser_panic() {
    let mut random = fastrand::Rng::with_seed(1);
    let pieces =
        ["*", "/", "-", ",", "#", "L", "W", "+", "?", "0", "7", "59", "MON", "jan", "@", "ß", "ſ", " ", " ", " "];
    for _ in 0..20_000 {
        let text: String = (0..random.usize(1..14)).map(|_| pieces[random.usize(..pieces.len())]).collect();
        let _ = text.parse::<Cron>();
    }
}
