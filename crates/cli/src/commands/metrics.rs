//! `agentapi metrics`: how the host and its storage targets are doing.

use agentapi_findings::{Levels, Severity, Thresholds, judge_health};
use agentapi_host::records::{HostStatus, MetricsView, Smart, StorageTarget, ThinPool};

use crate::print::Output;
use crate::print::escape::visible;
use crate::print::severity::{self, mark, worst};
use crate::print::table::{Cell, Column, Table};
use crate::print::units::{UNKNOWN, celsius, count, duration, fraction, if_known, percent, size};

/// Prints how the host and its storage are doing.
pub(crate) fn show(view: &MetricsView, output: Output, columns: Option<usize>) -> anyhow::Result<()> {
    Ok(output.show(view, |view| describe(view, columns))?)
}

fn describe(view: &MetricsView, columns: Option<usize>) -> String {
    let thresholds = Thresholds::default();
    let host = describe_host(&view.host, &thresholds);
    let targets = &view.storage_targets;
    if targets.is_empty() {
        return format!("{host}\nThe host has no storage targets.\n");
    }
    let mut table = Table::new(&COLUMNS);
    for target in targets {
        table.row(cells(target, &thresholds));
    }
    let table = table.render(columns);
    let legend = if host.contains("! ") || table.contains("! ") { severity::LEGEND } else { "" };
    format!("{host}\n{}\n\n{table}{legend}", count(targets.len(), "storage target"))
}

fn describe_host(host: &HostStatus, thresholds: &Thresholds) -> String {
    let used = |used, total, percentage| {
        if_known(total, || format!("{} ({} of {})", percent(percentage), size(used), size(total)))
    };
    let heat = judge(thresholds.cpu_temp_c, host.cpu_temp_c.map(|degrees| degrees as f64));
    let root = judge_known(thresholds.full, host.disk_total_bytes, host.disk_percent / 100.0);
    let lines = [
        ("Processor", percent(host.cpu_percent), None),
        ("Temperature", celsius(host.cpu_temp_c), heat),
        ("Load", visible(&host.loadavg.join(" ")).into_owned(), None),
        ("Memory", used(host.memory_used_bytes, host.memory_total_bytes, host.memory_percent), None),
        ("Root disk", used(host.disk_used_bytes, host.disk_total_bytes, host.disk_percent), root),
        ("Up for", duration(host.uptime_seconds), None),
    ];
    let line = |(name, value, severity): (&str, String, _)| {
        let style = severity::style(severity);
        format!("  {name:<13}{style}{}{style:#}\n", mark(severity, &value))
    };
    format!("Host {}\n\n{}", visible(&host.node), lines.map(line).concat())
}

fn cells(target: &StorageTarget, thresholds: &Thresholds) -> [Cell; 11] {
    let known = |text: &dyn Fn() -> String| if_known(target.total_bytes, text);
    let away = if target.reachable { None } else { Some(Severity::Critical) };
    let (smart, smart_severity) = describe_smart(&target.smart, target.reachable, thresholds);
    let (pool, pool_severity) = match &target.thin_pool {
        Some(pool) => describe_pool(pool, target.reachable, thresholds),
        None => (String::new(), None),
    };
    // A pool that runs full stops every guest on it, so it has thresholds of its own.
    let levels = if target.thin_pool.is_some() { thresholds.thin_pool } else { thresholds.full };
    let fill = judge_known(levels, target.total_bytes, target.used_fraction).filter(|_| target.reachable);
    [
        (&target.name).into(),
        (&target.kind).into(),
        Cell::judged(&describe_state(target), away),
        known(&|| size(target.total_bytes)).into(),
        Cell::judged(&known(&|| fraction(target.used_fraction)), fill),
        known(&|| size(target.avail_bytes)).into(),
        Cell::styled(&pool, severity::style(pool_severity)),
        Cell::styled(&smart, severity::style(smart_severity)),
        target.class_hint.as_str().into(),
        (&target.content).into(),
        (&target.mount_path).into(),
    ]
}

fn judge(levels: Levels, value: Option<f64>) -> Option<Severity> {
    levels.judge(value?).map(|(severity, _)| severity)
}

fn judge_known(levels: Levels, total_bytes: i64, used_fraction: f64) -> Option<Severity> {
    judge(levels, Some(used_fraction).filter(|_| total_bytes > 0))
}

fn describe_state(target: &StorageTarget) -> String {
    if target.reachable { target.state.clone() } else { format!("{} (unreachable)", target.state).trim_start().into() }
}

/// How full a pool is. Of a target that is not reachable these are old figures, which are not judged.
fn describe_pool(pool: &ThinPool, is_now: bool, thresholds: &Thresholds) -> (String, Option<Severity>) {
    let judge = |used: Option<f64>| judge(thresholds.thin_pool, used.filter(|_| is_now));
    let (data, metadata) = (judge(Some(pool.data_used_fraction)), judge(pool.metadata_used_fraction));
    let data_text = mark(data, &format!("data {}", fraction(pool.data_used_fraction)));
    let metadata_text = pool.metadata_used_fraction.map_or_else(|| UNKNOWN.into(), fraction);
    (format!("{data_text}, {}", mark(metadata, &format!("metadata {metadata_text}"))), worst([data, metadata]))
}

/// What the disk says about itself. A verdict and wear last, also where the target is not reachable now; a temperature
/// does not.
fn describe_smart(smart: &Smart, is_now: bool, thresholds: &Thresholds) -> (String, Option<Severity>) {
    let Smart { health, temperature_c, percentage_used } = smart;
    if health.as_str().is_empty() && temperature_c.is_none() && percentage_used.is_none() {
        return (UNKNOWN.into(), None);
    }
    let verdict = judge_health(health.as_str());
    let heat = judge(thresholds.disk_temp_c, temperature_c.filter(|_| is_now).map(|degrees| degrees as f64));
    let wear = judge(thresholds.worn_percent, percentage_used.map(|percent| percent as f64));
    let word = if health.as_str().is_empty() { UNKNOWN } else { health.as_str() };
    let mut text = format!("{}, {}", mark(verdict, word), mark(heat, &celsius(*temperature_c)));
    if let Some(used) = percentage_used {
        text = format!("{text}, {}", mark(wear, &format!("{used}% worn")));
    }
    (text, worst([verdict, heat, wear]))
}

const COLUMNS: [Column; 11] = [
    Column::value("NAME", 1),
    Column::words("TYPE", 8),
    Column::words("STATE", 3),
    Column::number("SIZE", 5),
    Column::number("USED", 2),
    Column::number("FREE", 6),
    Column::words("THIN POOL", 7),
    Column::words("SMART", 4),
    Column::words("CLASS", 9),
    Column::words("CONTENT", 10),
    Column::value("MOUNTED AT", 11),
];

#[cfg(test)]
mod tests {
    use agentapi_findings::Severity::{self, Critical, Warning};
    use agentapi_findings::Thresholds;
    use agentapi_host::records::{Smart, SmartHealth, ThinPool};

    use super::{describe_pool, describe_smart};

    fn smart(health: &str, temperature_c: Option<i64>, percentage_used: Option<i64>) -> (String, Option<Severity>) {
        let smart = Smart { health: SmartHealth::from(health), temperature_c, percentage_used };
        describe_smart(&smart, true, &Thresholds::default())
    }

    #[test]
    fn a_disk_that_fails_is_critical_whichever_word_its_drive_has_for_it() {
        let cases = [("FAILING", true), ("FAILED!", true), ("OK", false), ("UNKNOWN!", false), ("PASSED", false)];
        for (word, is_critical) in cases {
            let (text, severity) = smart(word, Some(38), None);
            assert_eq!((severity == Some(Critical), text.starts_with("!! ")), (is_critical, is_critical), "{text}");
        }
    }

    #[test]
    fn smart_says_what_it_knows_and_how_bad_it_is() {
        assert_eq!(smart("PASSED", Some(38), Some(3)), ("PASSED, 38 °C, 3% worn".into(), None));
        assert_eq!(smart("PASSED", None, None), ("PASSED, ? °C".into(), None));
        assert_eq!(smart("", Some(38), None), ("?, 38 °C".into(), None));
        assert_eq!(smart("", None, None), ("?".into(), None));
        assert_eq!(smart("PASSED", Some(78), Some(99)), ("PASSED, !! 78 °C, ! 99% worn".into(), Some(Critical)));
        let old = Smart { health: SmartHealth::Failing, temperature_c: Some(78), percentage_used: None };
        let (text, _) = describe_smart(&old, false, &Thresholds::default());
        assert_eq!(text, "!! FAILING, 78 °C");
    }

    #[test]
    fn a_pool_whose_metadata_is_not_known_says_so_and_a_full_one_is_marked() {
        let pool = |data_used_fraction, metadata_used_fraction| {
            describe_pool(&ThinPool { data_used_fraction, metadata_used_fraction }, true, &Thresholds::default())
        };
        assert_eq!(pool(0.5, None), ("data 50.0%, metadata ?".into(), None));
        assert_eq!(pool(0.97, Some(0.8)), ("!! data 97.0%, ! metadata 80.0%".into(), Some(Critical)));
        assert_eq!(pool(0.1, Some(0.85)).1, Some(Warning));
    }
}
