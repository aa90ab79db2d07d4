//! When a place will be full, if it grows as it has.

use std::cmp::Ordering;

use serde::Serialize;

use crate::places::Place;
use crate::samples::Samples;
use crate::settings::Settings;

/// What is said of a place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Forecast {
    place: String,
    used_bytes: i64,
    total_bytes: i64,
    /// How many samples it rests on, and how many days they span.
    samples: usize,
    span_days: f64,
    /// How much it grows; none as long as too little is known. It shrinks where this is below 0.
    bytes_per_day: Option<f64>,
    /// When it is full; none where it does not grow, or not within ten years.
    full_in_days: Option<f64>,
}

impl Forecast {
    pub(crate) fn of(place: &Place, samples: &Samples, settings: &Settings) -> Self {
        let (used_bytes, total_bytes, span_days) = (place.used_bytes, place.total_bytes, samples.span_days());
        let bytes_per_day = samples.bytes_per_day().filter(|_| span_days >= settings.min_days);
        let free_bytes = total_bytes.saturating_sub(used_bytes);
        let full_in_days = match bytes_per_day {
            _ if free_bytes <= 0 => Some(0.0),
            Some(growth) if growth > 0.0 => Some(free_bytes as f64 / growth).filter(|days| *days <= TEN_YEARS),
            _ => None,
        };
        let place = place.label.clone();
        Self { place, used_bytes, total_bytes, samples: samples.len(), span_days, bytes_per_day, full_in_days }
    }

    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn full_in_days(&self) -> Option<f64> {
        self.full_in_days
    }

    /// Whether a message that is raised about it should stay as it is: too little is known, or so little is missing to the
    /// threshold that the next run may be below it again.
    pub(crate) fn is_undecided(&self, settings: &Settings) -> bool {
        match (self.bytes_per_day, self.full_in_days) {
            (None, None) => true,
            (_, Some(days)) => days <= settings.warning_days * HYSTERESIS,
            (Some(_), None) => false,
        }
    }

    /// The order of a report: what is full soonest first, then by name.
    pub(crate) fn soonest_first(&self, other: &Self) -> Ordering {
        let days = |forecast: &Self| forecast.full_in_days.unwrap_or(f64::INFINITY);
        days(self).total_cmp(&days(other)).then_with(|| self.place.cmp(&other.place))
    }

    /// What the log says of it; none where it is not known or far away.
    pub(crate) fn line(&self) -> Option<String> {
        self.full_in_days.map(|days| format!("{}: full in {days:.1} days", self.place))
    }
}

/// Beyond that, a line through a few days is noise.
const TEN_YEARS: f64 = 3652.0;
/// A message stays until the place is full a fifth later than what it was raised for.
const HYSTERESIS: f64 = 1.2;
