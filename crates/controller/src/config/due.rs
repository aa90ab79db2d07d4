//! When something is due, in the tables of the backup loop and of each extension.
//!
//! | key | default |
//! | --- | --- |
//! | `cron` or `every` | the table's own |
//! | `zone` | the machine's |
//! | `window` | any hour |
//! | `jitter` | none; the backup loop's own |
//! | `catch_up` | `"one"` |
//! | `paused` | `false` |

use jiff::tz::TimeZone;

use super::section::Section;
use crate::schedule::{CatchUp, Interval, Rule, Schedule, Window, period_text};

/// When something is due, and whether it is paused by the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub schedule: Schedule,
    /// Whether it is not run by schedule until that is changed here.
    pub paused: bool,
}

/// What schedules take from elsewhere.
pub(super) struct Defaults<'a> {
    pub(super) guest: &'a str,
    pub(super) zone: &'a TimeZone,
}

/// What a table has where it says nothing.
pub(super) struct Unless<'a> {
    /// The cron expression; without one, nothing is due by itself.
    pub(super) cron: Option<&'a str>,
    /// The jitter, for the expression above only: what an operator times is on time.
    pub(super) jitter: std::time::Duration,
}

/// `Some(None)` where nothing is due by itself.
pub(super) fn check(
    section: &Section<'_>,
    name: &str,
    from: &Defaults<'_>,
    unless: &Unless<'_>,
) -> Option<Option<Due>> {
    let is_timed = section.has("cron") || section.has("every");
    let rule = check_rule(section, unless);
    let zone = check_zone(section, from);
    let window = super::optional_key(section, "window", |section| section.parsed::<Window>("window"));
    let jitter = super::optional_key(section, "jitter", |section| section.period("jitter"));
    let catch_up = super::optional_key(section, "catch_up", |section| {
        section.choice("catch_up", &[("one", CatchUp::One), ("none", CatchUp::None)])
    });
    let paused = super::optional_key(section, "paused", |section| section.flag("paused"));

    let (rule, window, jitter, catch_up, paused) = (rule?, window?, jitter?, catch_up?, paused?);
    let Some(rule) = rule else {
        let useless = ["zone", "window", "jitter", "catch_up", "paused"].into_iter().filter(|key| section.has(key));
        useless.for_each(|key| section.mistake(key, "expected cron or every beside it, found neither"));
        return Some(None);
    };
    let mut schedule = Schedule::new(rule, zone?).with_catch_up(catch_up.unwrap_or_default());
    if let Some(window) = window {
        schedule = schedule.in_window(window);
    }
    if let Some(spread) = jitter.or((!is_timed).then_some(unless.jitter)) {
        schedule = schedule.with_jitter(spread, from.guest, name);
    }
    Some(Some(Due { schedule, paused: paused.unwrap_or(false) }))
}

fn check_rule(section: &Section<'_>, unless: &Unless<'_>) -> Option<Option<Rule>> {
    let cron = section.parsed("cron").map(Rule::Cron);
    let every = section.period("every").and_then(|every| {
        let interval =
            Interval::new(every).ok_or_else(|| format!("expected a second or more, found {}", period_text(every)));
        section.checked("every", interval).map(Rule::Every)
    });
    match (section.has("cron"), section.has("every")) {
        (true, true) => {
            section.mistake("every", "expected either cron or every, found both");
            None
        }
        (true, false) => cron.map(Some),
        (false, true) => every.map(Some),
        (false, false) => Some(unless.cron.and_then(|text| text.parse().ok()).map(Rule::Cron)),
    }
}

fn check_zone(section: &Section<'_>, from: &Defaults<'_>) -> Option<TimeZone> {
    let Some(name) = section.text("zone") else {
        return (!section.has("zone")).then(|| from.zone.clone());
    };
    let wrong = format!("expected a time zone of this machine such as \"Europe/Berlin\" or \"UTC\", found {name:?}");
    section.checked("zone", TimeZone::get(name).map_err(|_| wrong))
}
