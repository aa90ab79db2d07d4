use agentapi_mock::{Fault, Repeat, Route};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{HEAVIEST, weight};
use crate::api::tests::Fixture;
use crate::console::visitor::Visitor;
use crate::sample::{Measure, Sample};

const MARKUP: &str = "\"'><script>taken</script>";

/// A sample of each series at each of so many steps back from now.
async fn write(
    fixture: &Fixture,
    series: Vec<(Measure, String)>,
    steps: i32,
    apart: SignedDuration,
    skip: fn(i32) -> bool,
) {
    let now = Timestamp::now();
    let written = fixture.store.writer().write(move |tx| {
        for step in (0..steps).rev().filter(|step| !skip(*step)) {
            let samples = series.iter().map(|(measure, of)| Sample {
                measure: *measure,
                of: of.clone(),
                value: 50.0 + f64::from(step % 37) * 1.234,
            });
            tx.add_samples(now - apart * step, &samples.collect::<Vec<_>>())?;
        }
        Ok(())
    });
    written.await.unwrap();
}

fn of_host() -> Vec<(Measure, String)> {
    [Measure::Cpu, Measure::Load, Measure::Memory, Measure::RootDisk, Measure::CpuTemperature]
        .map(|measure| (measure, String::new()))
        .into()
}

/// The points of all lines of a page, each line apart.
fn lines(page: &str) -> Vec<usize> {
    let lines = page.split("<polyline class=\"series\" points=\"").skip(1);
    lines.map(|line| line.split('"').next().unwrap().split(' ').count()).collect()
}

#[tokio::test]
async fn before_anything_was_measured_the_page_says_when_it_will_be() {
    let fixture = Fixture::new().await;
    let page = fixture.page("/health").await;
    assert!(page.contains("Nothing has been measured yet.") && !page.contains("<svg"), "{page}");
    assert!(page.contains("Storage of the host") && page.contains("Disks of this guest"));
    for target in ["local", "reachable", "SMART"] {
        assert!(page.contains(target), "{target}: {page}");
    }
}

#[tokio::test]
async fn each_measure_has_a_plot_its_thresholds_and_a_table() {
    let fixture = Fixture::new().await;
    write(&fixture, of_host(), 60, SignedDuration::from_mins(1), |_| false).await;
    let page = fixture.page("/health?span=hour").await;
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 5);
    assert_eq!(page.matches("<details>").count(), 5);
    // Of the root file system and the processor's temperature.
    assert_eq!(page.matches("<path class=\"limit critical\"").count(), 2);
    assert_eq!(page.matches("<path class=\"limit warning\"").count(), 2);
    assert!(page.contains("Warning from 85 % (dotted), critical from 95 % (dashed)."), "{page}");
    assert!(page.contains("<strong>50 %</strong> now <span class=\"verdict well\">well</span>"), "{page}");
    assert!(page.contains("<desc id=\"load-plot-description\">At the end 50, between 50 and 94.4 until then.</desc>"));
    let rows = page.split("<tbody id=\"load-rows\"").nth(1).unwrap().split("</tbody>").next().unwrap();
    assert!((20..=24).contains(&rows.matches("<tr>").count()), "{rows}");
    assert!(lines(&page).iter().all(|points| (59..=61).contains(points)), "{:?}", lines(&page));
}

#[tokio::test]
async fn a_gap_is_a_gap_and_what_was_not_measured_for_minutes_is_not_now() {
    let fixture = Fixture::new().await;
    let disk = vec![(Measure::DiskUsed, "uuid:a".to_owned())];
    write(&fixture, disk, 60, SignedDuration::from_mins(1), |step| step < 10 || (30..40).contains(&step)).await;
    let page = fixture.page("/health?of=uuid%3Aa&span=hour").await;
    let found = lines(&page);
    assert!(found.len() == 2 && found.iter().all(|points| (19..=21).contains(points)), "{found:?}");
    assert!(page.contains("Not measured since <time") && !page.contains(" now"), "{page}");
    assert_eq!(page.matches("aria-current=\"true\"").count(), 2, "the span and the disk: {page}");
    // The agent has no such disk any more.
    assert!(page.contains("<h2 id=\"plots\">uuid:a over time</h2>") && page.contains(">uuid:a</a>"));
}

#[tokio::test]
async fn a_thin_pool_is_judged_by_its_data_and_its_metadata() {
    let fixture = Fixture::new().await;
    let series = [(Measure::StorageUsed, 95.0), (Measure::ThinPoolData, 50.0), (Measure::ThinPoolMetadata, 95.0)];
    let samples = series.map(|(measure, value)| Sample { measure, of: "pool".into(), value });
    fixture.store.writer().write(move |tx| tx.add_samples(Timestamp::now(), &samples)).await.unwrap();
    let page = fixture.page("/health?of=pool&span=year").await;
    assert_eq!(page.matches("<path class=\"limit critical\"").count(), 2, "{page}");
    assert_eq!(page.matches("Warning from 80 % (dotted), critical from 90 % (dashed).").count(), 2);
    // The metadata, and not the target, whose figure is that of the pool's data.
    let plots = page.split("id=\"plots\"").nth(1).unwrap();
    assert_eq!(plots.matches("<span class=\"verdict critical\">✖ critical: 90 % or more").count(), 1);
    assert_eq!(plots.matches("<span class=\"verdict well\">well").count(), 1);
    assert!(
        page.contains("<strong>95 %</strong> now <span class=\"verdict critical\">✖ critical: 90 % or more"),
        "{page}"
    );
}

#[tokio::test]
async fn without_an_answer_of_the_agent_the_plots_are_shown() {
    let fixture = Fixture::new().await;
    let series = [of_host(), vec![(Measure::StorageUsed, "local".to_owned())]].concat();
    write(&fixture, series, 5, SignedDuration::from_mins(1), |_| false).await;
    for route in [Route::HostMetrics, Route::Disks] {
        fixture.agent.inject(route, Fault::CloseBeforeAnswer, Repeat::Always);
    }
    let page = fixture.page("/health").await;
    assert!(
        page.contains("What was measured until now stands below.") && !page.contains("Disks of this guest"),
        "{page}"
    );
    assert_eq!(page.matches("<svg class=\"plot\"").count(), 5);
    assert!(page.contains("<a href=\"?of=local&amp;span=day#plots\">local</a>"), "{page}");
    fixture.agent.clear_faults();
    fixture.agent.inject(Route::Disks, Fault::CloseBeforeAnswer, Repeat::Always);
    let page = fixture.page("/health").await;
    assert!(page.contains("The host agent does not say which disks there are.") && page.contains("SMART"), "{page}");
}

#[tokio::test]
async fn while_the_store_is_parked_the_page_says_so_and_shows_the_rest() {
    let fixture = Fixture::new().await;
    write(&fixture, of_host(), 5, SignedDuration::from_mins(1), |_| false).await;
    let parked = fixture.store.park();
    let page = fixture.page("/health").await;
    assert!(page.contains("The history is frozen with the disk, for ") && !page.contains("<svg"), "{page}");
    assert!(page.contains("SMART") && page.contains("Disks of this guest"));
    drop(parked);
    assert!(fixture.page("/health").await.contains("<svg"));
}

#[tokio::test]
async fn markup_in_names_is_text() {
    let fixture = Fixture::new().await;
    fixture.agent.change(|state| {
        let target = state.storage_targets.first_mut().unwrap();
        for text in [&mut target.name, &mut target.kind, &mut target.state, &mut target.class_hint] {
            *text = MARKUP.into();
        }
        let disk = state.disks.first_mut().unwrap();
        (disk.name, disk.durable_id) = (MARKUP.into(), format!("disk {MARKUP}"));
    });
    write(
        &fixture,
        vec![(Measure::StorageUsed, MARKUP.to_owned()), (Measure::DiskUsed, "gone<b>".into())],
        5,
        SignedDuration::from_mins(1),
        |_| false,
    )
    .await;
    let address = "%22%27%3E%3Cscript%3Etaken%3C%2Fscript%3E";
    let page = fixture.page(&format!("/health?of={address}&span=hour")).await;
    assert!(!page.contains("<script>taken") && !page.contains("gone<b>"), "{page}");
    assert!(page.contains(&format!("?of={address}&amp;span=hour#plots")), "{page}");
    assert!(page.contains("&#60;script&#62;taken") && page.matches("<svg class=\"plot\"").count() == 1, "{page}");
}

#[tokio::test]
async fn a_page_of_48_series_is_light_for_every_span() {
    let fixture = Fixture::new().await;
    let disks = (0..43).map(|disk| (Measure::DiskUsed, format!("uuid:0b4f6bd2-7b6e-4f7e-9f0c-{disk:012}")));
    let series: Vec<_> = of_host().into_iter().chain(disks).collect();
    fixture.agent.change(|state| {
        let disk = state.disks.first().unwrap().clone();
        state.disks = (0..43)
            .map(|number| {
                let mut disk = disk.clone();
                (disk.name, disk.durable_id) =
                    (format!("scsi{number}"), format!("uuid:0b4f6bd2-7b6e-4f7e-9f0c-{number:012}"));
                disk
            })
            .collect();
    });
    write(&fixture, series, 1, SignedDuration::ZERO, |_| false).await;
    write(&fixture, of_host(), 366 * 8, SignedDuration::from_hours(3), |_| false).await;
    write(&fixture, of_host(), 26 * 60, SignedDuration::from_mins(1), |_| false).await;
    for span in ["hour", "day", "week", "month", "year"] {
        let page = fixture.page(&format!("/health?span={span}")).await;
        assert_eq!(page.matches("<svg class=\"plot\"").count(), 5);
        assert!(lines(&page).iter().all(|points| *points <= 100), "{span}: {:?}", lines(&page));
        assert!(page.contains("scsi42") && weight(&page) < HEAVIEST, "{span}: {} bytes", weight(&page));
    }
}

#[tokio::test]
async fn a_span_that_is_none_is_refused_and_what_was_never_measured_is_said() {
    let fixture = Fixture::new().await;
    let answer = Visitor(&fixture.sockets.main).get("/health?span=aeon").await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.html.starts_with("<!doctype html>"), "{answer:?}");
    write(&fixture, of_host(), 5, SignedDuration::from_mins(1), |_| false).await;
    assert!(fixture.page("/health?of=moon").await.contains("Nothing is measured of this."));
}
