//! The extension's input. README.md describes it.

use serde::Deserialize;

/// What whoever runs it may set.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How many days of samples the forecast looks at.
    pub(crate) days: f64,
    /// How many days the samples have to span before anything is said.
    pub(crate) min_days: f64,
    /// Within how many days a place has to be full to be told as a warning, and as critical.
    pub(crate) warning_days: f64,
    pub(crate) critical_days: f64,
}

impl Default for Settings {
    fn default() -> Self {
        // Two weeks hold two of what happens once a week, such as the deletion of old backups.
        Self { days: 14.0, min_days: 1.0, warning_days: 30.0, critical_days: 7.0 }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), String> {
        let Self { days, min_days, warning_days, critical_days } = *self;
        for (key, value, most) in [
            ("days", days, MAX_DAYS),
            ("min_days", min_days, days),
            ("warning_days", warning_days, MAX_DAYS),
            ("critical_days", critical_days, warning_days),
        ] {
            if !(value > 0.0 && value <= most) {
                return Err(format!("input: {key}: expected above 0 and at most {most}, found {value}"));
            }
        }
        Ok(())
    }

    /// How long samples are kept, in seconds.
    pub(crate) fn window_s(&self) -> u64 {
        (self.days * SECONDS_PER_DAY) as u64
    }
}

pub(crate) const SECONDS_PER_DAY: f64 = 86_400.0;
const MAX_DAYS: f64 = 366.0;
