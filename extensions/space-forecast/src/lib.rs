//! Space forecast: when will disks and storage be full? Each run adds a sample of how much is used to what earlier runs have
//! seen, and fits a line through the samples of the last days. The operator is told where little time is left.

mod forecast;
mod places;
mod samples;
mod settings;

use agentapi_extension::disks::{self, DiskList};
use agentapi_extension::host_metrics::{self, MetricsView};
use agentapi_extension::notify::{self, Notification, Severity};
use agentapi_extension::{CallError, Extension, Failure, clock, info, state, warn};
use serde::Serialize;

use forecast::Forecast;
use places::Place;
use samples::Samples;
use settings::Settings;

/// The extension.
pub struct SpaceForecast;

/// The result of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What is full soonest comes first.
    forecasts: Vec<Forecast>,
    /// The calls that failed.
    errors: Vec<CallError>,
}

impl Extension for SpaceForecast {
    type Input = Settings;
    type Output = Report;

    fn run(settings: Settings) -> Result<Report, Failure> {
        settings.check()?;
        let now_s = clock::now_unix_ms() / 1000;
        let (disks, metrics) = (disks::list(), host_metrics::collect());
        let (listed, measured) = (disks.as_ref().ok(), metrics.as_ref().ok());
        let places = places::of(listed, measured);
        let mut forecasts = Vec::new();
        for place in &places {
            let mut samples: Samples = state::get(&place.state_key())?.unwrap_or_default();
            samples.add(now_s, place.used_bytes, settings.window_s());
            state::set(&place.state_key(), &samples)?;
            forecasts.push(Forecast::of(place, &samples, &settings));
        }
        forget_gone(&places, now_s, &settings)?;

        forecasts.sort_by(Forecast::soonest_first);
        forecasts.iter().filter_map(Forecast::line).for_each(|line| info!("{line}"));
        let messages =
            forecasts.iter().filter_map(|forecast| message(forecast, &settings)).take(MAX_MESSAGES).collect();
        notify::raise_only(messages, |key| is_unknown(key, &forecasts, listed, measured, &settings))?;
        let errors: Vec<_> = disks.err().into_iter().chain(metrics.err()).collect();
        errors.iter().for_each(|error| warn!("{error}"));
        Ok(Report { forecasts, errors })
    }
}

agentapi_extension::export!(SpaceForecast);

/// Deletes the samples of places that were not seen for as long as samples are kept.
fn forget_gone(places: &[Place], now_s: u64, settings: &Settings) -> Result<(), Failure> {
    for key in state::list(places::STATE_PREFIX)? {
        if places.iter().any(|place| place.state_key() == key) {
            continue;
        }
        let samples: Option<Samples> = state::get(&key)?;
        if samples.is_none_or(|samples| samples.is_outdated(now_s, settings.window_s())) {
            state::delete(&key)?;
        }
    }
    Ok(())
}

/// Whether this run cannot tell that what a key was raised for is over.
fn is_unknown(
    key: &str,
    forecasts: &[Forecast],
    disks: Option<&DiskList>,
    metrics: Option<&MetricsView>,
    settings: &Settings,
) -> bool {
    let place = key.strip_prefix(KEY_PREFIX).unwrap_or(key);
    places::is_unanswered(place, disks, metrics)
        || forecasts.iter().any(|forecast| forecast.place() == place && forecast.is_undecided(settings))
}

/// Holds no figure that changes from run to run: a message that changes is told again.
fn message(forecast: &Forecast, settings: &Settings) -> Option<Notification> {
    let days = forecast.full_in_days()?;
    let (severity, within) = if days <= settings.critical_days {
        (Severity::Critical, settings.critical_days)
    } else if days <= settings.warning_days {
        (Severity::Warning, settings.warning_days)
    } else {
        return None;
    };
    let title = format!("{} will be full within {within} days", forecast.place());
    let text = format!("As it has grown in the last {} days.", settings.days);
    Some(Notification::new(format!("{KEY_PREFIX}{}", forecast.place()), severity, title).text(text))
}

/// What the keys of messages begin with.
const KEY_PREFIX: &str = "full-soon:";

/// More are nothing that anybody reads, and the host takes a bounded number of keys.
const MAX_MESSAGES: usize = 32;

#[cfg(test)]
mod tests;
