//! The history of backups: a month of it as a calendar and as plots, and all of it as a list in pages.

use jiff::{SignedDuration, Timestamp};

use crate::console::backups::calendar::{Calendar, Month};
use crate::console::backups::row::RunRow;
use crate::console::page::Page;
use crate::console::plot::{Bar, Bars, Caption, Plot};
use crate::console::time::length;
use crate::run::RunState;
use crate::run::host::BACKUP;
use crate::schedule::Schedule;
use crate::store::{PastRun, Reader, RunFilter, StoreError};

/// What is known of earlier backups.
pub(super) struct History {
    pub(super) calendar: Calendar,
    /// How long backups took, and how long the applications stood still; none where none did.
    pub(super) plots: Vec<Plot>,
    pub(super) runs: Vec<RunRow>,
    /// Where the next page begins.
    pub(super) next: Option<i64>,
    /// Whether this is not the first page.
    pub(super) is_later_page: bool,
}

impl History {
    pub(super) async fn read(
        reader: &Reader,
        page: &Page,
        month: &Month,
        schedule: Option<&Schedule>,
        before: Option<i64>,
    ) -> Result<Self, StoreError> {
        let filter = RunFilter { subject: Some(BACKUP.into()), ..RunFilter::default() };
        let list = reader.runs(filter, before, RUNS_ON_A_PAGE).await?;
        let from = month.begin().checked_sub(SHOWN).unwrap_or(Timestamp::MIN);
        let past = reader.past_runs(BACKUP, from, month.end(), MAX_RUNS).await?;
        Ok(Self {
            calendar: month.calendar(&past, schedule, page.now),
            plots: plots(&past, month.end().min(page.now)),
            runs: list.items.iter().map(|run| RunRow::new(page, run)).collect(),
            next: list.next,
            is_later_page: before.is_some(),
        })
    }
}

/// Over the 31 days up to a time, so that there is something to be seen on the first of a month too.
fn plots(runs: &[PastRun], until: Timestamp) -> Vec<Plot> {
    let from = until.checked_sub(SHOWN).unwrap_or(Timestamp::MIN);
    let of_time = runs.iter().filter(|run| (from..until).contains(&run.queued_at));
    // That none was due took no time, and says nothing of those that did.
    let ended: Vec<_> = of_time.filter(|run| run.has_job || run.state != RunState::Done).collect();
    let took = |run: &PastRun| Some(run.ended_at?.duration_since(run.started_at?).as_secs_f64());
    let frozen = |run: &PastRun| Some(SignedDuration::from_millis(run.frozen_ms?).as_secs_f64());
    let plots = [
        plot("duration", "How long backups took", &bars(&ended, &took), from, until),
        plot("frozen", "How long the applications stood still", &bars(&ended, &frozen), from, until),
    ];
    plots.into_iter().flatten().collect()
}

fn bars(runs: &[&PastRun], seconds: &dyn Fn(&PastRun) -> Option<f64>) -> Vec<Bar> {
    let bar = |run: &&PastRun| {
        let seconds = seconds(run)?.max(0.0);
        Some(Bar { at: run.queued_at, seconds, is_wrong: run.state != RunState::Done })
    };
    runs.iter().filter_map(bar).collect()
}

fn plot(id: &str, title: &str, bars: &[Bar], from: Timestamp, until: Timestamp) -> Option<Plot> {
    let last = bars.last()?;
    let said = |seconds: f64| length(SignedDuration::try_from_secs_f64(seconds).unwrap_or_default());
    let longest = bars.iter().map(|bar| bar.seconds).fold(0.0, f64::max);
    let wrong = bars.iter().filter(|bar| bar.is_wrong).count();
    let description = format!(
        "{} in 31 days, {wrong} of them not done. The last: {}; the longest: {}.",
        bars.len(),
        said(last.seconds),
        said(longest)
    );
    let caption = Caption { id: id.into(), title: title.into(), description };
    Some(Plot::of_bars(caption, &Bars { bars, from, until }))
}

/// What is looked at before the month: as long as the longest.
const SHOWN: SignedDuration = SignedDuration::from_hours(31 * 24);
/// Two months of a run every half hour. Of more, the older days stay empty.
const MAX_RUNS: u32 = 3000;
const RUNS_ON_A_PAGE: u32 = 25;
