use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{CatchUp, Interval, MAX_COUNTED, Missed, Rule, Schedule, parse_period};

fn at(text: &str) -> Timestamp {
    if text.contains('T') { text.parse() } else { format!("2026-01-{}Z", text.replace(' ', "T")).parse() }.unwrap()
}

fn cron(text: &str) -> Schedule {
    Schedule::new(Rule::Cron(text.parse().unwrap()), TimeZone::UTC)
}

fn every(text: &str) -> Schedule {
    Schedule::new(Rule::Every(Interval::new(parse_period(text).unwrap()).unwrap()), TimeZone::UTC)
}

fn in_window(schedule: Schedule, window: &str) -> Schedule {
    schedule.in_window(window.parse().unwrap())
}

/// With this delay, whatever a name would give.
fn delayed(schedule: Schedule, delay: &str) -> Schedule {
    Schedule { delay: parse_period(delay).unwrap(), spread: parse_period(delay).unwrap(), ..schedule }
}

fn due(schedule: &Schedule, after: &str, last_start: Option<&str>, count: usize) -> Vec<String> {
    let first = schedule.next_after(at(after), last_start.map(at));
    let next = |last: &Timestamp| schedule.next_after(*last, Some(*last));
    let list = std::iter::successors(first, next).take(count);
    list.map(|due| due.strftime("%d %H:%M:%S").to_string()).collect()
}

#[test]
fn what_is_due_outside_of_the_window_waits_for_it_and_comes_once() {
    let half_hours = in_window(cron("*/30 * * * *"), "01:00-02:00");
    assert_eq!(due(&half_hours, "05 12:00:00", None, 4), ["06 01:00:00", "06 01:30:00", "07 01:00:00", "07 01:30:00"]);
    let over_midnight = in_window(cron("0 12 * * *"), "22:30-04:00");
    assert_eq!(due(&over_midnight, "05 12:00:00", None, 2), ["05 22:30:00", "06 22:30:00"]);
    assert_eq!(due(&over_midnight, "05 11:00:00", None, 2), ["05 22:30:00", "06 22:30:00"]);
    let at_two = in_window(cron("0 2 * * *"), "22:30-04:00");
    assert_eq!(due(&at_two, "05 12:00:00", None, 2), ["06 02:00:00", "07 02:00:00"]);
    // What came due before somebody looked, in the closed window, waits as well.
    assert_eq!(due(&over_midnight, "05 20:00:00", None, 1), ["05 22:30:00"]);
}

#[test]
fn the_delay_comes_last_and_stays_in_the_window() {
    let nightly = delayed(cron("0 2 * * *"), "7m");
    assert_eq!(due(&nightly, "05 02:06:59", None, 2), ["05 02:07:00", "06 02:07:00"]);
    assert_eq!(due(&nightly, "05 02:07:00", None, 1), ["06 02:07:00"]);
    // Those that wait for the window do not all begin as it opens.
    let moved = delayed(in_window(cron("0 12 * * *"), "01:00-05:00"), "7m");
    assert_eq!(due(&moved, "05 13:00:00", None, 2), ["06 01:07:00", "07 01:07:00"]);
    // Two that the end of the window cuts off to the same instant are one.
    let late = delayed(in_window(cron("0,50,55 * * * *"), "01:00-02:00"), "20m");
    assert_eq!(due(&late, "05 00:00:00", None, 3), ["05 01:20:00", "05 01:59:59", "06 01:20:00"]);
    let longer_than_the_window = delayed(in_window(cron("30 1 * * *"), "01:00-02:00"), "6h");
    assert_eq!(due(&longer_than_the_window, "05 00:00:00", None, 2), ["05 01:59:59", "06 01:59:59"]);
    assert_eq!(due(&longer_than_the_window, "05 02:30:00", None, 1), ["06 01:59:59"]);
}

#[test]
fn an_interval_counts_from_the_last_start_which_holds_the_delay_already() {
    for schedule in [every("10m"), delayed(every("10m"), "3m")] {
        let expected = ["05 10:14:07", "05 10:24:07", "05 10:34:07"];
        assert_eq!(due(&schedule, "05 10:05:00", Some("05 10:04:07"), 3), expected, "{schedule}");
    }
    // What has never run counts from 1970, with its delay, wherever one looks from.
    let fresh = delayed(every("10m"), "3m");
    for after in ["05 10:03:00", "05 10:08:00", "05 10:12:59"] {
        assert_eq!(due(&fresh, after, None, 2), ["05 10:13:00", "05 10:23:00"]);
    }
    let nightly = in_window(every("10m"), "01:00-05:00");
    assert_eq!(due(&nightly, "05 04:51:00", Some("05 04:50:30"), 2), ["06 01:00:00", "06 01:10:00"]);
    // Run by hand while the window is closed: counted from there, and never from before it.
    let half_days = in_window(every("12h"), "01:00-05:00");
    assert_eq!(due(&half_days, "05 23:10:00", Some("05 23:00:00"), 1), ["07 01:00:00"]);
}

#[test]
fn a_clock_that_is_set_back_repeats_nothing_and_stops_nothing() {
    let nightly = cron("0 2 * * *");
    assert_eq!(due(&nightly, "05 01:59:55", Some("05 02:00:00"), 1), ["06 02:00:00"]);
    assert_eq!(due(&nightly, "04 23:00:01", Some("05 02:00:00"), 1), ["06 02:00:00"]);
    // Further back nobody knows what was right: it runs by what the clock says now.
    assert_eq!(due(&nightly, "04 20:00:00", Some("05 02:00:00"), 1), ["05 02:00:00"]);
    let next_year = Some("2027-06-05T02:00:00Z");
    assert_eq!(due(&nightly, "04 20:00:00", next_year, 1), ["05 02:00:00"]);
    assert_eq!(due(&every("10m"), "04 20:00:00", next_year, 1), ["04 20:10:00"]);
    assert_eq!(nightly.missed(at("05 02:00:00"), at("04 20:00:00"), None), None);
}

#[test]
fn what_is_remembered_of_a_clock_that_was_far_ahead_holds_up_nothing() {
    let now = at("05 10:00:00");
    for (schedule, remembered, expected) in [
        (cron("0 2 * * *"), "05 09:00:00", "05 09:00:00"),
        (cron("0 2 * * *"), "05 13:00:00", "05 13:00:00"),
        (cron("0 2 * * *"), "05 13:00:01", "05 10:00:00"),
        (every("10m"), "05 10:10:00", "05 10:10:00"),
        (every("10m"), "05 10:10:01", "05 10:00:00"),
        (every("30d"), "06 10:00:00", "05 10:00:00"),
    ] {
        assert_eq!(schedule.dealt_with(at(remembered), now), at(expected), "{schedule} {remembered}");
    }
}

#[test]
fn a_clock_that_is_set_forward_leads_to_one_run_at_most() {
    for schedule in [cron("*/10 * * * *"), every("10m")] {
        let (since, now) = (at("05 10:00:00"), at("05 15:05:00"));
        let missed = schedule.missed(since, now, Some(since)).unwrap();
        assert_eq!(missed, Missed::RunOnce { missed: 30, since: at("05 10:10:00"), at: now });
        assert_eq!(
            missed.to_string(),
            "30 due times were missed, the first at 2026-01-05T10:10:00Z: one run makes up for them"
        );
        let none = schedule.with_catch_up(CatchUp::None);
        let missed = none.missed(since, now, Some(since)).unwrap();
        assert_eq!(missed, Missed::Skip { missed: 30, since: at("05 10:10:00") });
        let expected =
            "30 due times were missed, the first at 2026-01-05T10:10:00Z: skipped, because catch_up is \"none\"";
        assert_eq!(missed.to_string(), expected);
        // After either, the next one is due as usual.
        assert!(none.next_after(now, Some(now)).unwrap() <= now + SignedDuration::from_mins(10));
    }
}

#[test]
fn what_is_less_than_two_minutes_late_was_not_missed() {
    let schedule = cron("0 2 * * *").with_catch_up(CatchUp::None);
    let (since, due) = (at("04 12:00:00"), at("05 02:00:00"));
    let missed = |now| schedule.missed(since, at(now), None);
    assert_eq!(missed("05 01:59:59"), None);
    assert_eq!(missed("05 02:00:00"), Some(Missed::Due { due }));
    assert_eq!(missed("05 02:01:59"), Some(Missed::Due { due }));
    assert_eq!(missed("05 02:02:00"), Some(Missed::Skip { missed: 1, since: due }));
    assert_eq!(missed("06 02:00:30"), Some(Missed::Due { due: at("06 02:00:00") }));
    assert_eq!(missed("05 02:00:00").unwrap().to_string(), "due at 2026-01-05T02:00:00Z");
}

#[test]
fn the_run_that_makes_up_for_missed_ones_keeps_window_and_delay_too() {
    let nightly = delayed(in_window(cron("0 2 * * *"), "01:00-05:00"), "7m");
    let missed = |now| nightly.missed(at("04 12:00:00"), at(now), None);
    let since = at("05 02:07:00");
    assert_eq!(missed("05 03:00:00"), Some(Missed::RunOnce { missed: 1, since, at: at("05 03:07:00") }));
    assert!(missed("05 03:00:00").unwrap().to_string().starts_with("a due time was missed, the first at "));
    assert_eq!(missed("05 09:00:00"), Some(Missed::RunOnce { missed: 1, since, at: at("06 01:07:00") }));
    assert!(nightly.may_begin(at("05 01:00:00")) && !nightly.may_begin(at("05 05:00:00")));
}

#[test]
fn a_year_of_minutes_is_not_counted_to_its_end() {
    let missed = cron("* * * * *").missed(at("05 10:00:00"), at("2027-01-05T10:00:00Z"), None).unwrap();
    assert!(matches!(missed, Missed::RunOnce { missed: MAX_COUNTED, .. }), "{missed:?}");
    assert!(missed.to_string().starts_with("1000 due times or more were missed"));
}

#[test]
fn the_next_five_are_those_that_will_be() {
    let list = |schedule: &Schedule, last| -> Vec<_> {
        let five = schedule.next_five(at("05 10:00:00"), last);
        five.iter().map(|due| due.strftime("%d %H:%M").to_string()).collect()
    };
    assert_eq!(list(&cron("0 2 * * *"), None), ["06 02:00", "07 02:00", "08 02:00", "09 02:00", "10 02:00"]);
    let hourly = ["05 10:30", "05 11:30", "05 12:30", "05 13:30", "05 14:30"];
    assert_eq!(list(&every("1h"), Some(at("05 09:30:00"))), hourly);
}

#[test]
fn whatever_is_configured_due_times_grow_strictly_and_lie_in_the_window() {
    let mut random = fastrand::Rng::with_seed(7);
    let zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"];
    let rules = ["0 2 * * *", "*/7 * * * *", "15,45 1-4 * * *", "0 */5 * * *", "30 12 1,15 * *"];
    let windows = ["01:00-05:00", "22:30-04:00", "02:10-02:20", "02:59-02:00"];
    for round in 0..100 {
        let zone = TimeZone::get(zones[random.usize(..zones.len())]).unwrap();
        let rule = match random.bool() {
            true => Rule::Cron(rules[random.usize(..rules.len())].parse().unwrap()),
            false => Rule::Every(Interval::new(Duration::from_secs(random.u64(60..200_000))).unwrap()),
        };
        let spread = Duration::from_secs([0, 600, 30_000][random.usize(..3)]);
        let schedule = Schedule::new(rule, zone).with_jitter(spread, &format!("guest-{round}"), "backup");
        let schedule = match random.usize(..windows.len() + 1) {
            n if n < windows.len() => in_window(schedule, windows[n]),
            _ => schedule,
        };
        // Into the days on which clocks are changed.
        let mut last = at(["2026-03-26T05:00:00Z", "2026-10-01T05:00:00Z", "2027-03-05T00:00:00Z"][random.usize(..3)]);
        let never_started = schedule.next_after(last, None);
        for _ in 0..200 {
            let next = schedule.next_after(last, Some(last)).unwrap();
            assert!(next > last, "{schedule}: {next} after {last}");
            assert!(schedule.may_begin(next), "{schedule}: {next}");
            // From anywhere between, the same one comes.
            let between = last + SignedDuration::from_secs(random.i64(0..next.duration_since(last).as_secs()));
            assert_eq!(schedule.next_after(between, Some(last)), Some(next), "{schedule}: from {between}, {last}");
            last = next;
        }
        assert!(never_started.is_some());
    }
}

#[test]
fn a_schedule_says_all_that_it_does() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let schedule = Schedule::new(Rule::Cron("0 2 * * *".parse().unwrap()), zone);
    assert_eq!(schedule.to_string(), "cron 0 2 * * * (Europe/Berlin), one run for those missed");
    let schedule = delayed(in_window(every("1d"), "01:00-05:00"), "7m").with_catch_up(CatchUp::None);
    assert_eq!(schedule.to_string(), "every 1d, in 01:00-05:00 (UTC), 7m later of up to 7m, none for those missed");
}
