//! `agentapi metrics`: how the host and its storage targets are doing.

use agentapi_host::Agent;
use agentapi_host::records::{HostStatus, MetricsView, Smart, SmartVerdict, StorageTarget, ThinPool};
use anstyle::{AnsiColor, Style};

use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::Table;
use crate::print::units::{celsius, count, duration, fraction, gib, percent};

/// Prints how the host and its storage are doing.
pub(crate) async fn show(agent: &Agent, output: Output) -> anyhow::Result<()> {
    Ok(output.show(&agent.host_metrics().await?, describe)?)
}

fn describe(view: &MetricsView) -> String {
    let host = describe_host(&view.host);
    let targets = &view.storage_targets;
    if targets.is_empty() {
        return format!("{host}\nThe host has no storage targets.\n");
    }
    let mut table = Table::new(HEADINGS);
    for target in targets {
        add_row(&mut table, target);
    }
    format!("{host}\n{}\n\n{}", count(targets.len(), "storage target"), table.render(&NUMBERS))
}

fn describe_host(host: &HostStatus) -> String {
    let used = |used, total, percentage| format!("{} ({} of {})", percent(percentage), gib(used), gib(total));
    let lines = [
        ("Processor", percent(host.cpu_percent)),
        ("Temperature", celsius(host.cpu_temp_c)),
        ("Load", visible(&host.loadavg.join(" ")).into_owned()),
        ("Memory", used(host.memory_used_bytes, host.memory_total_bytes, host.memory_percent)),
        ("Root disk", used(host.disk_used_bytes, host.disk_total_bytes, host.disk_percent)),
        ("Up for", duration(host.uptime_seconds)),
    ];
    let lines: String = lines.into_iter().map(|(name, value)| format!("  {name:<13}{value}\n")).collect();
    format!("Host {}\n\n{lines}", visible(&host.node))
}

fn add_row(table: &mut Table, target: &StorageTarget) {
    table.row_in(
        style(target),
        [
            &target.name,
            &target.kind,
            &describe_state(target),
            &gib(target.total_bytes),
            &fraction(target.used_fraction),
            &gib(target.avail_bytes),
            &target.thin_pool.as_ref().map(describe_pool).unwrap_or_default(),
            &describe_smart(&target.smart),
            target.class_hint.as_str(),
            &target.content,
            &target.mount_path,
        ],
    );
}

fn style(target: &StorageTarget) -> Style {
    let is_failing = target.smart.health.verdict() == SmartVerdict::Failing;
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    if is_failing || !target.reachable { red } else { Style::new() }
}

fn describe_state(target: &StorageTarget) -> String {
    if target.reachable { target.state.clone() } else { format!("{} (unreachable)", target.state) }
}

fn describe_pool(pool: &ThinPool) -> String {
    let metadata = pool.metadata_used_fraction.map_or_else(|| "?".into(), fraction);
    format!("data {}, metadata {metadata}", fraction(pool.data_used_fraction))
}

fn describe_smart(smart: &Smart) -> String {
    let mut text = smart.health.as_str().to_owned();
    if smart.temperature_c.is_some() {
        text = format!("{text}, {}", celsius(smart.temperature_c));
    }
    if let Some(used) = smart.percentage_used {
        text = format!("{text}, {used}% worn");
    }
    text
}

const HEADINGS: [&str; 11] =
    ["NAME", "TYPE", "STATE", "SIZE", "USED", "FREE", "THIN POOL", "SMART", "CLASS", "CONTENT", "MOUNTED AT"];
const NUMBERS: [&str; 3] = ["SIZE", "USED", "FREE"];

#[cfg(test)]
mod tests {
    use agentapi_host::records::{Smart, SmartHealth, StorageTarget, ThinPool};
    use anstyle::Style;

    use super::{describe_pool, describe_smart, style};

    #[test]
    fn a_disk_that_fails_is_red_whichever_word_its_drive_has_for_it() {
        let is_red = |word: &str| {
            let smart = Smart { health: SmartHealth::from(word), ..Smart::default() };
            style(&StorageTarget { reachable: true, smart, ..StorageTarget::default() }) != Style::new()
        };
        for (word, red) in [("FAILING", true), ("FAILED!", true), ("OK", false), ("UNKNOWN!", false), ("PASSED", false)]
        {
            assert_eq!(is_red(word), red, "{word}");
        }
    }

    #[test]
    fn smart_says_what_it_knows() {
        let say = |temperature_c, percentage_used| {
            describe_smart(&Smart { health: SmartHealth::Passed, temperature_c, percentage_used })
        };
        assert_eq!(say(Some(38), Some(3)), "PASSED, 38 °C, 3% worn");
        assert_eq!(say(None, None), "PASSED");
    }

    #[test]
    fn a_pool_whose_metadata_is_not_known_says_so() {
        let pool = ThinPool { data_used_fraction: 0.9, metadata_used_fraction: None };
        assert_eq!(describe_pool(&pool), "data 90.0%, metadata ?");
    }
}
