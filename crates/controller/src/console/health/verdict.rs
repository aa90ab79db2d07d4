//! Whether a figure needs somebody, in a word and a sign: by the thresholds that the command and disk-watch have.

use agentapi_findings::{Figures, Finding, Levels, Measure as Value, Problem, Severity, Thresholds, judge_target};
use agentapi_host::records::StorageTarget;

use crate::console::plot::figure;
use crate::console::words::shown;
use crate::sample::Measure;

/// A word with its sign, and its class in the style sheet.
pub(super) struct Verdict {
    pub(super) class: &'static str,
    pub(super) text: String,
}

impl Verdict {
    /// None where there is no threshold.
    pub(super) fn of_value(value: f64, levels: Option<Levels>, unit: &str) -> Option<Self> {
        let Some((severity, threshold)) = levels?.judge(value) else { return Some(Self::well()) };
        let (class, word) = words(severity);
        Some(Self { class, text: format!("{word}: {}{unit} or more", figure(threshold)) })
    }

    pub(super) fn of_target(target: &StorageTarget) -> Self {
        let figures = Figures {
            name: &target.name,
            state: &target.state,
            reachable: target.reachable,
            total_bytes: target.total_bytes,
            used_fraction: target.used_fraction,
            thin_pool: target.thin_pool.as_ref().map(|pool| (pool.data_used_fraction, pool.metadata_used_fraction)),
            health: target.smart.health.as_str(),
            temperature_c: target.smart.temperature_c,
            worn_percent: target.smart.percentage_used,
        };
        let mut findings = judge_target(&figures, &Thresholds::default());
        findings.sort_by(Finding::most_urgent_first);
        findings.first().map_or_else(Self::well, Self::of_finding)
    }

    pub(super) fn of_finding(finding: &Finding) -> Self {
        let (class, word) = words(finding.severity);
        let number = |value: &Value| match value {
            Value::Number(number) => *number,
            Value::State(_) => 0.0,
        };
        let (found, threshold) = (number(&finding.measured), number(&finding.threshold));
        let percent =
            |what: &str| format!("{what} {} % full, from {} %", figure(100.0 * found), figure(100.0 * threshold));
        let text = match finding.what {
            Problem::SmartHealth => match &finding.measured {
                Value::State(state) => format!("SMART says {}", shown(state)),
                Value::Number(_) => "SMART".to_owned(),
            },
            Problem::Unreachable => "not reached by the host".to_owned(),
            Problem::ThinPoolMetadata => percent("pool metadata"),
            Problem::ThinPoolData => percent("pool data"),
            Problem::TargetFull | Problem::DiskFull => percent("it is"),
            Problem::CpuHot | Problem::DiskHot => format!("{} °C, from {} °C", figure(found), figure(threshold)),
            Problem::DiskWorn => format!("{} % worn, from {} %", figure(found), figure(threshold)),
        };
        Self { class, text: format!("{word}: {text}") }
    }

    /// The style sheet adds the sign.
    pub(super) fn well() -> Self {
        Self { class: "well", text: "well".into() }
    }
}

fn words(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("critical", "✖ critical"),
        Severity::Warning => ("warning", "▲ warning"),
    }
}

/// The thresholds of a measure, in its own unit. A pool's target repeats the figure of the pool, which has others.
pub(super) fn levels(measure: Measure, is_pool: bool) -> Option<Levels> {
    let Thresholds { thin_pool, full, worn_percent, disk_temp_c, cpu_temp_c } = Thresholds::default();
    let percent = |levels: Levels| Levels { warning: 100.0 * levels.warning, critical: 100.0 * levels.critical };
    match measure {
        Measure::Load | Measure::Cpu | Measure::Memory => None,
        Measure::StorageUsed if is_pool => None,
        Measure::RootDisk | Measure::StorageUsed | Measure::DiskUsed => Some(percent(full)),
        Measure::ThinPoolData | Measure::ThinPoolMetadata => Some(percent(thin_pool)),
        Measure::CpuTemperature => Some(cpu_temp_c),
        Measure::DriveTemperature => Some(disk_temp_c),
        Measure::DriveWear => Some(worn_percent),
    }
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{Smart, SmartHealth, ThinPool};

    use super::*;

    #[test]
    fn a_target_has_the_word_of_its_worst_figure() {
        let target = StorageTarget {
            name: "local".into(),
            reachable: true,
            total_bytes: 1,
            used_fraction: 0.99,
            ..StorageTarget::default()
        };
        let pool = |data, metadata| Some(ThinPool { data_used_fraction: data, metadata_used_fraction: metadata });
        let failing = Smart { health: SmartHealth::from("FAILING"), ..Smart::default() };
        for (target, class, text) in [
            (StorageTarget { used_fraction: 0.8499, ..target.clone() }, "well", "well"),
            (
                StorageTarget { used_fraction: 0.85, ..target.clone() },
                "warning",
                "▲ warning: it is 85 % full, from 85 %",
            ),
            (target.clone(), "critical", "✖ critical: it is 99 % full, from 95 %"),
            (
                StorageTarget { thin_pool: pool(0.81, Some(0.905)), ..target.clone() },
                "critical",
                "✖ critical: pool metadata 90.5 % full, from 90 %",
            ),
            (StorageTarget { reachable: false, ..target.clone() }, "critical", "✖ critical: not reached by the host"),
            (StorageTarget { smart: failing, ..target.clone() }, "critical", "✖ critical: SMART says FAILING"),
        ] {
            let verdict = Verdict::of_target(&target);
            assert_eq!((verdict.class, verdict.text.as_str()), (class, text));
        }
    }

    #[test]
    fn a_value_is_judged_by_the_thresholds_that_are_drawn() {
        let verdict =
            |measure, value| Verdict::of_value(value, levels(measure, false), " %").map(|verdict| verdict.text);
        assert_eq!(verdict(Measure::ThinPoolData, 79.9).unwrap(), "well");
        assert_eq!(verdict(Measure::ThinPoolData, 80.0).unwrap(), "▲ warning: 80 % or more");
        assert_eq!(verdict(Measure::DiskUsed, 95.5).unwrap(), "✖ critical: 95 % or more");
        assert_eq!(verdict(Measure::Memory, 99.0), None);
        assert!(levels(Measure::StorageUsed, true).is_none() && levels(Measure::StorageUsed, false).is_some());
    }
}
