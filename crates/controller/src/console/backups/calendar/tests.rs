use super::*;
use crate::schedule::{Interval, Rule};

fn run(id: i64, at: &str, state: RunState, has_job: bool) -> PastRun {
    let queued_at = at.parse().unwrap();
    PastRun { id: RunId(id), state, queued_at, started_at: None, ended_at: None, has_job, frozen_ms: None }
}

fn nightly(zone: &TimeZone) -> Schedule {
    Schedule::new(Rule::Cron("0 2 * * *".parse().unwrap()), zone.clone())
}

fn texts(calendar: &Calendar) -> Vec<(i8, String, Option<i64>)> {
    let days = calendar.weeks.iter().flatten().flatten();
    days.map(|day| (day.number, day.text.clone(), day.run.map(|run| run.0))).collect()
}

#[test]
fn each_day_says_what_became_of_it() {
    let now = "2026-11-12T12:00:00Z".parse().unwrap();
    let month = Month::new(None, now, &TimeZone::UTC);
    let runs = [
        run(1, "2026-11-03T02:00:00Z", RunState::Failed, false),
        run(2, "2026-11-03T03:00:00Z", RunState::Done, true),
        run(3, "2026-11-04T02:00:00Z", RunState::Done, true),
        run(4, "2026-11-05T02:00:00Z", RunState::Done, false),
        run(5, "2026-11-06T02:00:00Z", RunState::Failed, false),
        run(6, "2026-11-07T02:00:00Z", RunState::Unknown, true),
        run(7, "2026-11-12T11:59:00Z", RunState::Running, false),
    ];
    let calendar = month.calendar(&runs, Some(&nightly(&TimeZone::UTC)), now);
    let expected = [
        (1, "", None),
        (2, "", None),
        (3, "✓ done, 1 not", Some(2)),
        (4, "✓ done", Some(3)),
        (5, "○ none due", Some(4)),
        (6, "✖ failed", Some(5)),
        (7, "✖ unknown", Some(6)),
        (8, "▲ missed", None),
        (9, "▲ missed", None),
        (10, "▲ missed", None),
        (11, "▲ missed", None),
        (12, "… runs", Some(7)),
        (13, "· due", None),
    ];
    let found = texts(&calendar);
    let found: Vec<_> = found.iter().map(|(day, text, run)| (*day, text.as_str(), *run)).collect();
    assert_eq!(found[..13], expected);
    assert!(found.len() == 30 && found[13..].iter().all(|(_, text, _)| *text == "· due"));
    assert_eq!(
        (calendar.title.as_str(), calendar.earlier.as_str(), &calendar.later),
        ("November 2026", "2026-10", &None)
    );
    // The first of November 2026 is a Sunday.
    assert!(calendar.weeks.iter().all(|week| week.len() == 7));
    assert_eq!(calendar.weeks[0].iter().position(Option::is_some), Some(6));
    let today: Vec<_> = calendar.weeks.iter().flatten().flatten().filter(|day| day.is_today).collect();
    assert_eq!(today.iter().map(|day| day.number).collect::<Vec<_>>(), [12]);
}

#[test]
fn days_are_those_of_the_schedules_zone_also_where_a_clock_changes() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = "2026-10-31T22:30:00Z".parse().unwrap();
    let month = Month::new(None, now, &zone);
    // 00:30 of the 25th, which has 25 hours, and 23:30 of the same day.
    let runs =
        [run(1, "2026-10-24T22:30:00Z", RunState::Done, true), run(2, "2026-10-25T22:30:00Z", RunState::Failed, false)];
    let calendar = month.calendar(&runs, Some(&nightly(&zone)), now);
    let found = texts(&calendar);
    assert_eq!(found[23], (24, String::new(), None));
    assert_eq!(found[24], (25, "✓ done, 1 not".into(), Some(1)));
    assert_eq!(found[25], (26, "▲ missed".into(), None));
    assert_eq!(calendar.zone, "Europe/Berlin");
}

#[test]
fn an_interval_is_missed_from_its_last_start_on_and_no_schedule_misses_nothing() {
    let now = "2026-11-12T12:00:00Z".parse().unwrap();
    let month = Month::new(None, now, &TimeZone::UTC);
    // Four days from then on, and not from 1970.
    let runs = [run(1, "2026-11-04T02:00:00Z", RunState::Done, true)];
    let every = Interval::new(std::time::Duration::from_secs(4 * 86_400)).unwrap();
    let schedule = Schedule::new(Rule::Every(every), TimeZone::UTC);
    let missed = |schedule: Option<&Schedule>| {
        let found = texts(&month.calendar(&runs, schedule, now));
        found.into_iter().filter(|(_, text, _)| text.contains("missed")).map(|(day, ..)| day).collect::<Vec<_>>()
    };
    assert_eq!(missed(Some(&schedule)), [8, 12]);
    assert_eq!(missed(None), [0_i8; 0]);
}

#[test]
fn a_month_is_asked_for_by_name_and_none_lies_ahead() {
    let now = "2026-03-31T12:00:00Z".parse().unwrap();
    let title = |asked| Month::new(asked, now, &TimeZone::UTC).calendar(&[], None, now).title;
    for (asked, expected) in [
        (None, "March 2026"),
        (Some("2026-02"), "February 2026"),
        (Some("2026-04"), "March 2026"),
        (Some("0001-01"), "March 2026"),
        (Some("2026-13"), "March 2026"),
        (Some("<b>"), "March 2026"),
    ] {
        assert_eq!(title(asked), expected, "{asked:?}");
    }
    assert_eq!(Month::new(Some("2026-02"), now, &TimeZone::UTC).calendar(&[], None, now).later, Some("2026-03".into()));
}
