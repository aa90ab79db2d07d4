//! Plots as SVG, made here: the style sheet gives them the colours of the theme, and a table behind each says the same in
//! words. Nothing of it needs a script.

mod bars;

use agentapi_findings::Levels;
use askama::Template;
use jiff::Timestamp;

use crate::sample::Point;

pub(super) use bars::{Bar, Bars};

/// A line over time with the least and the most of each step as a band, or bars.
#[derive(Template)]
#[template(path = "plot.html")]
pub(super) struct Plot {
    /// Unique on its page.
    id: String,
    title: String,
    /// One sentence: what it is at the end, and between which figures it was.
    description: String,
    lines: Vec<String>,
    bands: Vec<String>,
    bars: String,
    /// Crosses at the foot of bars.
    marks: String,
    across: Vec<Tick>,
    up: Vec<Tick>,
    /// Classes and heights of thresholds.
    limits: Vec<(&'static str, f64)>,
}

/// What a plot is called.
pub(super) struct Caption {
    /// Unique on its page.
    pub(super) id: String,
    pub(super) title: String,
    /// One sentence: what it is at the end, and between which figures it was.
    pub(super) description: String,
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
    pub(super) levels: Option<Levels>,
    pub(super) unit: &'static str,
}

impl Plot {
    pub(super) fn new(caption: Caption, series: &Series<'_>) -> Self {
        let limits: Vec<_> = series
            .levels
            .iter()
            .flat_map(|levels| [("warning", levels.warning), ("critical", levels.critical)])
            .collect();
        let values = series.points.iter().map(|point| point.max).chain(limits.iter().map(|(_, value)| *value));
        let scale = Scale::new(series.from, series.until, values.fold(series.top, f64::max));
        let parts: Vec<_> =
            series.points.chunk_by(|a, b| b.at.as_second() - a.at.as_second() <= 2 * series.step).collect();
        let line = |part: &&[Point]| text(part.iter().map(|point| scale.place(point.at, point.mean)));
        let band = |part: &&[Point]| {
            let above = part.iter().map(|point| scale.place(point.at, point.max));
            let below = part.iter().rev().map(|point| scale.place(point.at, point.min));
            text(above.chain(below))
        };
        // A point that stands for one figure has no band.
        let is_wide = |part: &&&[Point]| part.iter().any(|point| point.min < point.max);
        Self {
            lines: parts.iter().map(line).collect(),
            bands: parts.iter().filter(is_wide).map(band).collect(),
            limits: limits.into_iter().map(|(class, value)| (class, scale.y(value))).collect(),
            ..Self::empty(caption, &scale, series.unit)
        }
    }

    pub(super) fn title(&self) -> &str {
        &self.title
    }

    pub(super) fn description(&self) -> &str {
        &self.description
    }

    /// The frame.
    fn empty(Caption { id, title, description }: Caption, scale: &Scale, unit: &str) -> Self {
        let up = (0..=4).map(|quarter| scale.top * f64::from(quarter) / 4.0);
        Self {
            id,
            title,
            description,
            lines: Vec::new(),
            bands: Vec::new(),
            bars: String::new(),
            marks: String::new(),
            across: scale.across(),
            up: up.map(|value| Tick { at: scale.y(value), text: format!("{}{unit}", figure(value)) }).collect(),
            limits: Vec::new(),
        }
    }
}

struct Scale {
    from: i64,
    until: i64,
    top: f64,
}

impl Scale {
    fn new(from: Timestamp, until: Timestamp, highest: f64) -> Self {
        Self { from: from.as_second(), until: until.as_second(), top: round_up(highest) }
    }

    fn place(&self, at: Timestamp, value: f64) -> (f64, f64) {
        (self.x(at.as_second()), self.y(value))
    }

    fn x(&self, second: i64) -> f64 {
        let whole = (self.until - self.from).max(1) as f64;
        tenth(LEFT + (RIGHT - LEFT) * ((second - self.from) as f64 / whole).clamp(0.0, 1.0))
    }

    fn y(&self, value: f64) -> f64 {
        tenth(BOTTOM - (BOTTOM - TOP) * (value / self.top).clamp(0.0, 1.0))
    }

    /// Three to six, at round times.
    fn across(&self) -> Vec<Tick> {
        let length = self.until - self.from;
        let step = TIME_STEPS.into_iter().find(|step| length / step <= 6).unwrap_or(90 * DAY);
        let format = if step < DAY { "%H:%M" } else { "%-d %b" };
        let first = self.from - self.from.rem_euclid(step) + step;
        let seconds = (first..=self.until).step_by(usize::try_from(step).unwrap_or(usize::MAX));
        let text =
            |second| Timestamp::from_second(second).map(|at| at.strftime(format).to_string()).unwrap_or_default();
        seconds.map(|second| Tick { at: self.x(second), text: text(second) }).collect()
    }
}

fn text(places: impl Iterator<Item = (f64, f64)>) -> String {
    places.map(|(x, y)| format!("{x},{y} ")).collect::<String>().trim_end().to_owned()
}

/// A number for people: with two decimals below 10, with one below 100, and without those that are zero.
pub(super) fn figure(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Coordinates have one decimal: less than anybody sees, and a third of the weight.
fn tenth(coordinate: f64) -> f64 {
    (coordinate * 10.0).round() / 10.0
}

/// To 1, 2, 4, 6, 8 or 10 of the power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-6).log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|top| *top >= value * (1.0 - 1e-9)).unwrap_or(value)
}

const DAY: i64 = 24 * 60 * 60;
const TIME_STEPS: [i64; 14] = [
    600,
    900,
    1800,
    3600,
    3 * 3600,
    4 * 3600,
    6 * 3600,
    12 * 3600,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    60 * DAY,
];
/// The plane of the plot within its 480 by 180: 4 for each of 100 places.
const LEFT: f64 = 52.0;
const RIGHT: f64 = 452.0;
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
    fn a_figure_has_the_decimals_that_matter() {
        for (value, text) in
            [(0.0, "0"), (0.1 * 3.0, "0.3"), (1.256, "1.26"), (42.25, "42.2"), (100.0, "100"), (1234.5, "1234")]
        {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn the_least_and_the_most_of_a_step_are_a_band() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let point = |second, mean| Point { at: at(second), min: mean - 25.0, mean, max: mean + 25.0 };
        let points = [point(0, 25.0), point(60, 50.0)];
        let series =
            Series { points: &points, step: 60, from: at(0), until: at(100), top: 100.0, levels: None, unit: "" };
        let caption = Caption { id: "a".into(), title: String::new(), description: String::new() };
        assert_eq!(Plot::new(caption, &series).bands, ["52,82 292,45 292,119 52,156"]);
    }

    #[test]
    fn where_nothing_was_measured_the_line_is_cut() {
        let point = |minute: i64, value| {
            let at = Timestamp::from_second(60 * minute).unwrap();
            Point { at, min: value, mean: value, max: value }
        };
        let points = [point(0, 0.0), point(1, 50.0), point(10, 100.0)];
        let (from, until) = (Timestamp::from_second(0).unwrap(), Timestamp::from_second(3600).unwrap());
        let levels = Some(Levels { warning: 50.0, critical: 90.0 });
        let series = Series { points: &points, step: 60, from, until, top: 100.0, levels, unit: " %" };
        let caption = Caption { id: "load".into(), title: "Load <1>".into(), description: "now 1".into() };
        let plot = Plot::new(caption, &series);
        assert_eq!(plot.lines, ["52,156 58.7,82", "118.7,8"]);
        assert!(plot.bands.is_empty(), "each point is one figure");
        assert_eq!(plot.limits, [("warning", 82.0), ("critical", 22.8)]);
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
