use jiff::{SignedDuration, Timestamp};

use super::{MAX_SERIES, seconds};
use crate::sample::{Measure, Point, Sample, Step};
use crate::store::{Store, StoreError};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const MAX: usize = MAX_SERIES as usize;
const PAGE_BYTES: i64 = 4096;
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn noon() -> Timestamp {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

fn sample(of: &str, value: f64) -> Sample {
    Sample { measure: Measure::StorageUsed, of: of.into(), value }
}

async fn add(store: &Store, at: Timestamp, samples: Vec<Sample>) {
    store.writer().write(move |tx| tx.add_samples(at, &samples)).await.unwrap();
}

async fn points(store: &Store, of: &str, step: Step) -> Vec<Point> {
    let (from, until) = (Timestamp::MIN, Timestamp::MAX);
    store.reader().points(Measure::StorageUsed, of.into(), step, from, until).await.unwrap()
}

async fn forget_all(store: &Store) {
    while store.writer().write(|tx| tx.forget_samples()).await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_point_is_the_least_the_mean_and_the_most_of_its_step_and_a_gap_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    // The second minute, and then nothing for an hour.
    for (minute, value) in [(0, 10.0), (1, 20.0), (61, 60.0)] {
        add(&store, noon() + MINUTE * minute, vec![sample("local", value)]).await;
    }
    let ten_minutes = points(&store, "local", Step::TenMinutes).await;
    let first = Point { at: noon(), min: 10.0, mean: 15.0, max: 20.0 };
    let second = Point { at: noon() + MINUTE * 60, min: 60.0, mean: 60.0, max: 60.0 };
    assert_eq!(ten_minutes, [first, second]);
    assert_eq!(points(&store, "local", Step::Minute).await.len(), 3);
    let day = Point { at: noon() - MINUTE * 12 * 60, min: 10.0, mean: 30.0, max: 60.0 };
    assert_eq!(points(&store, "local", Step::Day).await, [day]);
    let until = noon() + MINUTE;
    let part = store.reader().points(Measure::StorageUsed, "local".into(), Step::Minute, until, until).await.unwrap();
    assert_eq!(part.iter().map(|point| point.mean).collect::<Vec<_>>(), [20.0]);
    let other = store.reader().points(Measure::Cpu, "local".into(), Step::Day, noon(), until).await.unwrap_err();
    assert!(matches!(other, StoreError::NotFound(text) if text == "series cpu of \"local\""));
}

#[tokio::test]
async fn a_year_of_all_that_may_be_measured_fits_into_some_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let names: Vec<_> = (0..MAX_SERIES).map(|number| format!("a-storage-target-{number}")).collect();
    // As it looks after a year: of each step more points than are kept.
    for step in Step::ALL {
        let slots = step.kept() + 50;
        let samples: Vec<_> = names.iter().map(|name| sample(name, 100.0 / 3.0)).collect();
        let (first, seconds) = (noon() - SignedDuration::from_secs(seconds(*step) * i64::from(slots)), seconds(*step));
        let written = store.writer().write(move |tx| {
            (0..i64::from(slots))
                .try_for_each(|slot| tx.add_samples(first + SignedDuration::from_secs(seconds * slot), &samples))
        });
        written.await.unwrap();
        forget_all(&store).await;
    }
    for step in Step::ALL {
        let found = points(&store, &names[1], *step).await;
        assert_eq!(found.len(), usize::try_from(step.kept()).unwrap(), "{step}");
        assert!(
            noon().duration_since(found.last().unwrap().at) <= SignedDuration::from_secs(seconds(*step)),
            "the latest"
        );
    }
    let pages = async |name: &'static str| {
        let question =
            move |connection: &rusqlite::Connection| Ok(connection.pragma_query_value(None, name, |row| row.get(0))?);
        store.reader().read::<i64>(question).await.unwrap()
    };
    let (all, free) = (pages("page_count").await, pages("freelist_count").await);
    let kib = |pages| pages * PAGE_BYTES / 1024;
    println!("{} KiB for {MAX_SERIES} series, and {} KiB to be used again", kib(all - free), kib(free));
    assert!(kib(all - free) < 9 * 1024, "{all} pages");
}

#[tokio::test]
async fn a_new_series_takes_the_place_of_one_that_is_gone_and_never_of_one_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let all: Vec<_> = (0..=MAX_SERIES).map(|number| sample(&number.to_string(), 1.0)).collect();
    let (stay, one_too_many) = (all[..MAX].to_vec(), all[MAX].clone());
    add(&store, noon(), all).await;
    let names = async || store.reader().series().await.unwrap().into_iter().map(|series| series.of).collect::<Vec<_>>();
    assert!(!names().await.contains(&one_too_many.of));
    // The first one is not seen any more.
    for days in 1..=2 {
        add(&store, noon() + DAY * days, stay[1..].to_vec()).await;
        add(&store, noon() + DAY * days, vec![one_too_many.clone()]).await;
    }
    let names = names().await;
    assert_eq!((names.len(), names.contains(&one_too_many.of), names.contains(&stay[0].of)), (MAX, true, false));
    assert_eq!(points(&store, "1", Step::Day).await.len(), 3);
}

#[tokio::test]
async fn a_clock_that_was_ahead_for_a_moment_costs_no_plot() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for minute in 0..30 {
        add(&store, noon() + MINUTE * minute, vec![sample("local", 1.0)]).await;
    }
    add(&store, noon() + DAY * 3000, vec![sample("local", 1.0)]).await;
    forget_all(&store).await;
    add(&store, noon() + MINUTE * 30, vec![sample("local", 1.0)]).await;
    let until = noon() + MINUTE * 30;
    let found = store.reader().points(Measure::StorageUsed, "local".into(), Step::Minute, noon(), until).await.unwrap();
    assert_eq!(found.len(), 31);
}
