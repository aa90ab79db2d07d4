//! One measure of one thing: its plot, its latest figure, and the table that says the same.

use jiff::{SignedDuration, Timestamp};

use crate::console::health::span::{Span, thin};
use crate::console::health::verdict::{Verdict, levels};
use crate::console::plot::{self, Caption, Plot, figure};
use crate::console::time::Time;
use crate::sample::{Measure, Point, Series, Step};
use crate::store::{Reader, StoreError};

/// What is shown of one series.
pub(super) struct Measured {
    /// Unique on the page.
    pub(super) id: String,
    pub(super) title: &'static str,
    /// None where nothing was measured during the span.
    pub(super) plot: Option<Plot>,
    /// The latest figure with its unit; none where it was not measured for some minutes.
    pub(super) now: Option<String>,
    pub(super) last: Time,
    pub(super) verdict: Option<Verdict>,
    /// The thresholds in words.
    pub(super) thresholds: Option<String>,
    /// Time, least, mean and most; the newest first.
    pub(super) rows: Vec<[String; 4]>,
    pub(super) unit: &'static str,
}

/// From when on, until when, and whether the thing is a thin pool.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) span: Span,
    pub(super) now: Timestamp,
    pub(super) is_pool: bool,
}

impl Measured {
    pub(super) async fn read(reader: &Reader, series: Series, view: View) -> Result<Self, StoreError> {
        let (span, until) = (view.span, view.now);
        let from = span.before(until);
        let Series { measure, of, last_at } = series;
        let points = reader.points(measure, of.clone(), span.step(), from, until).await?;
        let recent = until.checked_sub(RECENT).unwrap_or(Timestamp::MIN);
        let latest = reader.points(measure, of, Step::Minute, recent, until).await?.pop();
        let (title, unit, top) = words(measure);
        let levels = levels(measure, view.is_pool);
        let id = measure.name().to_owned();
        let places = thin(&points, span.place());
        let plot = describe(&points, unit).map(|description| {
            let caption = Caption { id: format!("{id}-plot"), title: title.into(), description };
            let series = plot::Series { points: &places, step: span.place(), from, until, top, levels, unit };
            Plot::new(caption, &series)
        });
        let said = |value: f64| format!("{}{unit}", figure(value));
        Ok(Self {
            id,
            title,
            plot,
            now: latest.map(|point| said(point.mean)),
            last: Time::new(last_at, until),
            verdict: latest.and_then(|point| Verdict::of_value(point.mean, levels, unit)),
            thresholds: levels.map(|levels| {
                format!(
                    "Warning from {} (dotted), critical from {} (dashed).",
                    said(levels.warning),
                    said(levels.critical)
                )
            }),
            rows: thin(&points, span.row()).iter().rev().map(row).collect(),
            unit: unit.trim_start(),
        })
    }
}

/// None of no points.
fn describe(points: &[Point], unit: &str) -> Option<String> {
    let last = points.last()?;
    let least = points.iter().map(|point| point.min).fold(f64::INFINITY, f64::min);
    let most = points.iter().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max);
    let [last, least, most] = [last.mean, least, most].map(figure);
    Some(format!("At the end {last}{unit}, between {least}{unit} and {most}{unit} until then."))
}

fn row(point: &Point) -> [String; 4] {
    [point.at.strftime("%-d %b %H:%M").to_string(), figure(point.min), figure(point.mean), figure(point.max)]
}

/// Title, unit, and what the plot's top is at least.
fn words(measure: Measure) -> (&'static str, &'static str, f64) {
    match measure {
        Measure::Load => ("Load over a minute", "", 1.0),
        Measure::Cpu => ("Processor in use", " %", 100.0),
        Measure::Memory => ("Memory in use", " %", 100.0),
        Measure::RootDisk => ("Root file system in use", " %", 100.0),
        Measure::CpuTemperature => ("Temperature of the processor", " °C", 100.0),
        Measure::StorageUsed => ("Storage in use", " %", 100.0),
        Measure::ThinPoolData => ("Thin pool: data in use", " %", 100.0),
        Measure::ThinPoolMetadata => ("Thin pool: metadata in use", " %", 100.0),
        Measure::DriveTemperature => ("Temperature of the drive", " °C", 80.0),
        Measure::DriveWear => ("Wear of the drive", " %", 100.0),
        Measure::DiskUsed => ("Disk in use", " %", 100.0),
    }
}

/// It is measured each minute. Older than some of them is not now.
const RECENT: SignedDuration = SignedDuration::from_mins(5);
