//! Plots as SVG, made here: the style sheet gives them the colours of the theme, and a table behind each says the same in
//! words. Nothing of it needs a script.

use askama::Template;
use jiff::Timestamp;

use crate::sample::Point;

/// A line over time, with the least and the most of each step as a band.
#[derive(Template)]
#[template(path = "plot.html")]
pub(super) struct Plot {
    /// Unique on its page.
    pub(super) id: String,
    pub(super) title: String,
    /// One sentence: what it is at the end, and between which figures it was.
    pub(super) description: String,
    lines: Vec<String>,
    bands: Vec<String>,
    across: Vec<Tick>,
    up: Vec<Tick>,
    limits: Vec<f64>,
}

/// A line of the grid, with what stands at it.
struct Tick {
    at: f64,
    text: String,
}

/// What is plotted.
pub(super) struct Series<'a> {
    pub(super) points: &'a [Point],
    /// The length of a step in seconds: two points further apart than twice that have a gap between them.
    pub(super) step: i64,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    /// The top of the plot is there at least.
    pub(super) top: f64,
    /// Thresholds, which are drawn.
    pub(super) limits: &'a [f64],
    pub(super) unit: &'static str,
}

impl Plot {
    pub(super) fn new(id: String, title: String, description: String, series: &Series<'_>) -> Self {
        let highest =
            series.points.iter().map(|point| point.max).chain(series.limits.iter().copied()).fold(series.top, f64::max);
        let scale = Scale { from: series.from.as_second(), until: series.until.as_second(), top: round_up(highest) };
        let parts: Vec<_> =
            series.points.chunk_by(|a, b| b.at.as_second() - a.at.as_second() <= 2 * series.step).collect();
        let line = |part: &&[Point]| text(part.iter().map(|point| scale.place(point.at, point.mean)));
        let band = |part: &&[Point]| {
            let above = part.iter().map(|point| scale.place(point.at, point.max));
            let below = part.iter().rev().map(|point| scale.place(point.at, point.min));
            text(above.chain(below))
        };
        let up = (0..=4).map(|quarter| scale.top * f64::from(quarter) / 4.0);
        Self {
            id,
            title,
            description,
            lines: parts.iter().map(line).collect(),
            bands: parts.iter().map(band).collect(),
            across: scale.across(),
            up: up.map(|value| Tick { at: scale.y(value), text: format!("{value}{}", series.unit) }).collect(),
            limits: series.limits.iter().map(|limit| scale.y(*limit)).collect(),
        }
    }
}

struct Scale {
    from: i64,
    until: i64,
    top: f64,
}

impl Scale {
    fn place(&self, at: Timestamp, value: f64) -> (f64, f64) {
        (self.x(at.as_second()), self.y(value))
    }

    fn x(&self, second: i64) -> f64 {
        let whole = (self.until - self.from).max(1) as f64;
        LEFT + (RIGHT - LEFT) * ((second - self.from) as f64 / whole).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0)
    }

    /// Four to eight, at round times.
    fn across(&self) -> Vec<Tick> {
        let length = self.until - self.from;
        let step = TIME_STEPS.into_iter().find(|step| length / step <= 8).unwrap_or(90 * DAY);
        let format = if step < DAY { "%H:%M" } else { "%-d %b" };
        let first = self.from - self.from.rem_euclid(step) + step;
        let seconds = (first..=self.until).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        let text =
            |second| Timestamp::from_second(second).map(|at| at.strftime(format).to_string()).unwrap_or_default();
        seconds.map(|second| Tick { at: self.x(second), text: text(second) }).collect()
    }
}

fn text(places: impl Iterator<Item = (f64, f64)>) -> String {
    places.map(|(x, y)| format!("{x:.1},{y:.1} ")).collect::<String>().trim_end().to_owned()
}

/// To 1, 2, 4, 6, 8 or 10 of the power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-6).log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|top| *top >= value * (1.0 - 1e-9)).unwrap_or(value)
}

const DAY: i64 = 24 * 60 * 60;
const TIME_STEPS: [i64; 12] =
    [600, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY];
/// The plane of the plot within its 640 by 180.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 632.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 156.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_is_a_round_figure() {
        for (value, top) in [(0.3, 0.4), (1.0, 1.0), (1.1, 2.0), (72.0, 80.0), (100.0, 100.0), (101.0, 200.0)] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn where_nothing_was_measured_the_line_is_cut() {
        let point = |minute: i64, value| {
            let at = Timestamp::from_second(60 * minute).unwrap();
            Point { at, min: value, mean: value, max: value }
        };
        let points = [point(0, 0.0), point(1, 50.0), point(10, 100.0)];
        let (from, until) = (Timestamp::from_second(0).unwrap(), Timestamp::from_second(3600).unwrap());
        let series = Series { points: &points, step: 60, from, until, top: 100.0, limits: &[90.0], unit: " %" };
        let plot = Plot::new("load".into(), "Load <1>".into(), "now 1".into(), &series);
        assert_eq!(plot.lines, ["48.0,156.0 57.7,82.0", "145.3,8.0"]);
        assert_eq!(
            plot.across.iter().map(|tick| tick.text.as_str()).collect::<Vec<_>>(),
            ["00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]
        );
        let svg = plot.render().unwrap();
        assert!(
            svg.contains("Load &#60;1&#62;") && svg.contains("aria-labelledby=\"load-title load-description\""),
            "{svg}"
        );
    }
}
