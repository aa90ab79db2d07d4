//! The thresholds from which on a measure is a finding: the defaults, and the input of disk-watch.

use alloc::format;
use alloc::string::String;
use core::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The thresholds of each measure. What the input leaves out has its default; a key that is not known is refused,
/// because a misspelt threshold would otherwise be the default one.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// How much of a thin pool's data or metadata is in use: 0 to 1.
    pub thin_pool: Levels,
    /// How much of a storage target, a disk or the host's root file system is in use: 0 to 1.
    pub full: Levels,
    /// How much of a disk's rated life is used, in percent; above 100 too.
    pub worn_percent: Levels,
    /// A disk's temperature in degrees Celsius.
    pub disk_temp_c: Levels,
    /// The processor's temperature in degrees Celsius.
    pub cpu_temp_c: Levels,
}

/// The values from which on a measure is a warning, and critical.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Levels {
    /// From this value on it is a warning.
    pub warning: f64,
    /// From this value on it is critical.
    pub critical: f64,
}

/// How soon somebody should look at it; the more urgent first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// At once.
    Critical,
    /// Within days.
    Warning,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            thin_pool: Levels { warning: 0.8, critical: 0.9 },
            full: Levels { warning: 0.85, critical: 0.95 },
            worn_percent: Levels { warning: 80.0, critical: 100.0 },
            disk_temp_c: Levels { warning: 55.0, critical: 65.0 },
            cpu_temp_c: Levels { warning: 80.0, critical: 95.0 },
        }
    }
}

impl Thresholds {
    /// Checks that each threshold is in its measure's range: 90 for a fraction would never be reached, and nobody would
    /// notice.
    ///
    /// # Errors
    /// What was expected and what was found, where a threshold is out of its range.
    pub fn check(&self) -> Result<(), String> {
        self.thin_pool.check("thin_pool", FRACTION)?;
        self.full.check("full", FRACTION)?;
        self.worn_percent.check("worn_percent", PERCENT)?;
        self.disk_temp_c.check("disk_temp_c", CELSIUS)?;
        self.cpu_temp_c.check("cpu_temp_c", CELSIUS)
    }
}

impl Levels {
    /// The severity of a value and the threshold that it has reached; none if it is below both. A value that is equal
    /// to a threshold has reached it.
    pub fn judge(self, value: f64) -> Option<(Severity, f64)> {
        if value >= self.critical {
            Some((Severity::Critical, self.critical))
        } else if value >= self.warning {
            Some((Severity::Warning, self.warning))
        } else {
            None
        }
    }

    fn check(self, key: &str, range: RangeInclusive<f64>) -> Result<(), String> {
        for (name, value) in [("warning", self.warning), ("critical", self.critical)] {
            if !range.contains(&value) {
                let (low, high) = range.into_inner();
                return Err(format!("input: {key}.{name}: expected {low} to {high}, found {value}"));
            }
        }
        if self.warning > self.critical {
            let Self { warning, critical } = self;
            return Err(format!("input: {key}.warning: expected at most {critical}, its critical, found {warning}"));
        }
        Ok(())
    }
}

/// Used over total.
const FRACTION: RangeInclusive<f64> = 0.0..=1.0;
/// Disks go on counting after their rated life has ended. The counter of NVMe is one byte, and stops at 255.
const PERCENT: RangeInclusive<f64> = 0.0..=255.0;
/// Beyond what any disk or processor survives.
const CELSIUS: RangeInclusive<f64> = 0.0..=150.0;

#[cfg(test)]
mod tests {
    use super::*;

    /// As an extension is given them.
    fn read(input: &str) -> Result<Thresholds, String> {
        let thresholds: Thresholds = serde_json::from_str(input).map_err(|why| format!("input: {why}"))?;
        thresholds.check().map(|()| thresholds)
    }

    #[test]
    fn what_the_input_leaves_out_has_its_default() {
        let thresholds = read(r#"{"thin_pool": {"warning": 0.5, "critical": 0.6}}"#).unwrap();
        assert_eq!(thresholds.thin_pool, Levels { warning: 0.5, critical: 0.6 });
        assert_eq!(thresholds.full, Thresholds::default().full);
        read("{}").unwrap();
    }

    #[test]
    fn an_input_that_cannot_be_right_is_refused_with_what_was_expected_and_found() {
        for (input, message) in [
            ("", "input: EOF while parsing a value at line 1 column 0"),
            (
                r#"{"thinpool": 1}"#,
                "input: unknown field `thinpool`, expected one of `thin_pool`, `full`, `worn_percent`, `disk_temp_c`, \
                 `cpu_temp_c` at line 1 column 11",
            ),
            (
                r#"{"full": 0.9}"#,
                "input: invalid type: floating point `0.9`, expected struct Levels at line 1 column 12",
            ),
            (r#"{"full": {"warning": 0.9}}"#, "input: missing field `critical` at line 1 column 25"),
            (
                r#"{"full": {"warning": 0.9, "critical": 1, "fatal": 1}}"#,
                "input: unknown field `fatal`, expected `warning` or `critical` at line 1 column 48",
            ),
            (
                r#"{"thin_pool": {"warning": 80, "critical": 90}}"#,
                "input: thin_pool.warning: expected 0 to 1, found 80",
            ),
            (
                r#"{"cpu_temp_c": {"warning": 90, "critical": 80}}"#,
                "input: cpu_temp_c.warning: expected at most 80, its critical, found 90",
            ),
        ] {
            assert_eq!(read(input).unwrap_err(), message);
        }
    }

    #[test]
    fn a_level_is_reached_at_its_very_value() {
        let levels = Levels { warning: 0.8, critical: 0.9 };
        assert_eq!(levels.judge(0.799), None);
        assert_eq!(levels.judge(0.8), Some((Severity::Warning, 0.8)));
        assert_eq!(levels.judge(0.9), Some((Severity::Critical, 0.9)));
    }
}
