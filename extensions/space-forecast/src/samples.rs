//! How much of a place was used at which time: thinned, so that it stays small however often the extension runs.

use serde::{Deserialize, Serialize};

use crate::settings::SECONDS_PER_DAY;

/// Samples of one place, the oldest first: seconds since 1970, and bytes.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
pub(crate) struct Samples(Vec<(u64, i64)>);

impl Samples {
    /// Adds one, and drops those that are older than `window_s`. The newest is always kept; of the others those that are
    /// `window_s / MAX_SAMPLES` apart, so that a day with many runs weighs as much as one with few.
    pub(crate) fn add(&mut self, now_s: u64, used_bytes: i64, window_s: u64) {
        // One from the future was taken when the clock was wrong.
        self.0.retain(|(at_s, _)| *at_s < now_s && now_s - at_s <= window_s);
        let spacing_s = window_s / MAX_SAMPLES;
        if let [.., (before_s, _), (last_s, _)] = self.0[..]
            && last_s - before_s < spacing_s
        {
            self.0.pop();
        }
        self.0.push((now_s, used_bytes));
    }

    /// Whether none is as young as `window_s`.
    pub(crate) fn is_outdated(&self, now_s: u64, window_s: u64) -> bool {
        self.0.last().is_none_or(|(at_s, _)| now_s.saturating_sub(*at_s) > window_s)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Days from the first to the last.
    pub(crate) fn span_days(&self) -> f64 {
        match (self.0.first(), self.0.last()) {
            (Some((first_s, _)), Some((last_s, _))) => (last_s - first_s) as f64 / SECONDS_PER_DAY,
            _ => 0.0,
        }
    }

    /// The slope of the least-squares line, in bytes a day; none for fewer than three samples.
    pub(crate) fn bytes_per_day(&self) -> Option<f64> {
        let &(first_s, first_bytes) = self.0.first()?;
        if self.0.len() < 3 {
            return None;
        }
        // Relative to the first, or the squares of seconds since 1970 would leave few digits for the slope.
        let points: Vec<(f64, f64)> = (self.0.iter())
            .map(|(at_s, bytes)| ((at_s - first_s) as f64 / SECONDS_PER_DAY, (*bytes as f64) - first_bytes as f64))
            .collect();
        let count = points.len() as f64;
        let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
        let covariance: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let variance: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        (variance > 0.0).then(|| covariance / variance)
    }
}

/// Some 4 KiB for each place, of 64 KiB that a value may have.
const MAX_SAMPLES: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400;

    #[test]
    fn however_often_it_runs_the_samples_are_few_evenly_apart_and_of_the_last_days() {
        let mut samples = Samples::default();
        let minutes = 30 * 24 * 60;
        for minute in 0..minutes {
            samples.add(minute * 60, minute as i64, 14 * DAY);
        }
        assert!((90..=102).contains(&samples.len()), "{}", samples.len());
        assert_eq!(samples.0.last(), Some(&((minutes - 1) * 60, minutes as i64 - 1)));
        assert!((13.8..=14.0).contains(&samples.span_days()), "{}", samples.span_days());
        let apart: Vec<_> = samples.0.windows(2).map(|pair| pair[1].0 - pair[0].0).rev().skip(1).collect();
        assert!(apart.iter().all(|s| (14 * DAY / 100..15 * DAY / 100 + 60).contains(s)), "{apart:?}");
        assert!(serde_json::to_vec(&samples).unwrap().len() < 4096);
    }

    #[test]
    fn the_line_is_that_of_least_squares() {
        let samples = |points: &[(u64, i64)]| Samples(points.iter().map(|(day, bytes)| (day * DAY, *bytes)).collect());
        assert_eq!(samples(&[(0, 10), (1, 20)]).bytes_per_day(), None);
        assert_eq!(samples(&[(0, 10), (1, 20), (2, 30)]).bytes_per_day(), Some(10.0));
        assert_eq!(samples(&[(0, 30), (1, 20), (2, 10)]).bytes_per_day(), Some(-10.0));
        // y = 0, 0, 3: the slope is 1.5.
        assert_eq!(samples(&[(20_000, 7), (20_001, 7), (20_002, 10)]).bytes_per_day(), Some(1.5));
    }

    #[test]
    fn a_sample_of_a_clock_that_was_ahead_is_dropped() {
        let mut samples = Samples(vec![(DAY, 1), (900 * DAY, 2)]);
        assert!(!samples.is_outdated(2 * DAY, DAY));
        samples.add(2 * DAY, 3, 14 * DAY);
        assert_eq!(samples, Samples(vec![(DAY, 1), (2 * DAY, 3)]));
        assert!(samples.is_outdated(4 * DAY, DAY) && !samples.is_outdated(3 * DAY, DAY));
    }
}
