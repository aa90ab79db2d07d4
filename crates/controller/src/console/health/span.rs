//! How far back the plots go.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::sample::{Point, Step};

/// A length of time, with how finely it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in super::super) enum Span {
    /// By the minute.
    Hour,
    /// By 20 minutes.
    #[default]
    Day,
    /// By two hours.
    Week,
    /// By eight hours.
    Month,
    /// By four days.
    Year,
}

impl Span {
    pub(super) const ALL: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Year];

    /// As in the address of the page.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// Where it begins.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
            Self::Year => 366 * 24,
        };
        now.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
    }

    /// What is read.
    pub(super) fn step(self) -> Step {
        match self {
            Self::Hour => Step::Minute,
            Self::Day => Step::TenMinutes,
            Self::Week | Self::Month => Step::TwoHours,
            Self::Year => Step::Day,
        }
    }

    /// For how many seconds a place of the plot stands: 60 to 93 places.
    pub(super) fn place(self) -> i64 {
        match self {
            Self::Hour => 60,
            Self::Day => 20 * 60,
            Self::Week => 2 * HOUR,
            Self::Month => 8 * HOUR,
            Self::Year => 4 * DAY,
        }
    }

    /// For how many seconds a row of the table stands: 20 to 24 rows.
    pub(super) fn row(self) -> i64 {
        match self {
            Self::Hour => 3 * 60,
            Self::Day => HOUR,
            Self::Week => 8 * HOUR,
            Self::Month => 36 * HOUR,
            Self::Year => 16 * DAY,
        }
    }
}

/// The same with fewer points: each for so many seconds, from a multiple of them on.
pub(super) fn thin(points: &[Point], seconds: i64) -> Vec<Point> {
    let slot = |point: &Point| point.at.as_second().div_euclid(seconds);
    let fold = |part: &[Point]| {
        let first = part.first()?;
        Some(Point {
            at: Timestamp::from_second(slot(first) * seconds).unwrap_or(first.at),
            min: part.iter().map(|point| point.min).fold(f64::INFINITY, f64::min),
            // Of steps of the same length, so that the mean of means is the mean.
            mean: part.iter().map(|point| point.mean).sum::<f64>() / part.len() as f64,
            max: part.iter().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max),
        })
    };
    points.chunk_by(|a, b| slot(a) == slot(b)).filter_map(fold).collect()
}

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_a_hundred_places_at_most_and_a_table_some_24_rows() {
        let now = Timestamp::from_second(1_800_000_123).unwrap();
        for span in Span::ALL {
            let from = span.before(now).as_second();
            let step = i64::try_from(span.step().duration().as_secs()).unwrap();
            let points: Vec<_> = (from.div_euclid(step)..=now.as_second().div_euclid(step))
                .map(|slot| Point { at: Timestamp::from_second(slot * step).unwrap(), min: 1.0, mean: 2.0, max: 3.0 })
                .collect();
            assert!(points.len() <= span.step().kept() as usize, "{span:?}: more than is kept");
            let (places, rows) = (thin(&points, span.place()).len(), thin(&points, span.row()).len());
            assert!((60..=100).contains(&places) && (20..=26).contains(&rows), "{span:?}: {places} {rows}");
        }
    }

    #[test]
    fn thinning_keeps_the_least_and_the_most_and_no_point_where_there_was_none() {
        let point = |minute: i64, mean: f64| {
            let at = Timestamp::from_second(60 * minute).unwrap();
            Point { at, min: mean - 1.0, mean, max: mean + 1.0 }
        };
        let thinned = thin(&[point(1, 10.0), point(2, 40.0), point(9, 5.0)], 180);
        let expected = [(0, 9.0, 25.0, 41.0), (9, 4.0, 5.0, 6.0)].map(|(minute, min, mean, max)| Point {
            at: Timestamp::from_second(60 * minute).unwrap(),
            min,
            mean,
            max,
        });
        assert_eq!(thinned, expected);
    }
}
