use std::time::Duration;

use agentapi_mock::{Fault, Repeat, Route};
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::{HEAVIEST, weight};
use crate::api::tests::Fixture;
use crate::console::visitor::Visitor;
use crate::run::{RunEnd, RunState};

const MARKUP: &str = "\"'><script>taken</script>";

fn done(job: &str) -> RunEnd {
    let (job_id, consistency) = (Some(job.to_owned()), Some("application".to_owned()));
    RunEnd { job_id, consistency, frozen_ms: Some(2345), ..RunEnd::new(RunState::Done, "") }
}

/// Runs of the past, the newest a minute ago, each so much earlier than the one after it.
async fn write(fixture: &Fixture, runs: Vec<(RunEnd, &'static str)>, apart: SignedDuration) {
    let now = Timestamp::now();
    let written = fixture.store.writer().write(move |tx| {
        let count = i32::try_from(runs.len()).unwrap();
        for (place, (end, reason)) in (0..).zip(runs) {
            let at = now - SignedDuration::from_mins(11) - apart * (count - 1 - place);
            let run = tx.queue_run(at, "backup", "", reason)?;
            tx.begin_run(at, run)?;
            tx.end_run(at + SignedDuration::from_mins(10), run, &end)?;
        }
        Ok(())
    });
    written.await.unwrap();
}

#[tokio::test]
async fn before_the_first_run_the_page_says_what_comes() {
    let fixture = Fixture::new().await;
    let page = fixture.page("/backups").await;
    assert!(page.contains("No backup has been made yet") && page.contains("nothing runs") && page.contains("none yet"));
    assert!(page.contains("Due, says the host agent"), "{page}");
    assert!(page.contains("Alarm after 1 day 2 h without one."));
    let times = page.split("<ol class=\"times\">").nth(1).unwrap().split("</ol>").next().unwrap();
    assert_eq!(times.matches("<time ").count(), 5);
    assert!(!page.contains("▲ missed") && !page.contains("<svg"), "{page}");
}

#[tokio::test]
async fn each_run_is_told_with_its_state_its_times_and_its_consistency() {
    let fixture = Fixture::new().await;
    let crash = "crash: the lease ended first".to_owned();
    let crashed = RunEnd {
        consistency: Some(crash.clone()),
        job_id: Some("b".into()),
        ..RunEnd::new(RunState::Failed, format!("only {crash}"))
    };
    let not_due = RunEnd::new(RunState::Done, "no backup is due: too early");
    let runs = vec![(done("a"), "by schedule"), (crashed, "asked for by user 0"), (not_due, "by schedule")];
    write(&fixture, runs, SignedDuration::from_hours(24)).await;
    let page = fixture.page("/backups").await;
    for text in [
        "href=\"/runs/1\"",
        ">✓ done</span>",
        ">✖ failed</span>",
        ">○ none due</a>",
        "▲ crash: the lease ended first",
        "no backup is due: too early",
        "<td class=\"short\">10 min</td><td class=\"short\">2 s</td><td>application</td>",
        "asked for by user 0",
        "How long backups took",
        "2 in 31 days, 1 of them not done. The last: 10 min; the longest: 10 min.",
        "1 in 31 days, 0 of them not done. The last: 2 s; the longest: 2 s.",
        "class=\"mark\"",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    let earlier = fixture.page("/backups?month=1999-02").await;
    assert!(earlier.contains("February 1999") && earlier.contains("?month=1999-03#month"), "{earlier}");
    assert!(!earlier.contains("<svg") && earlier.contains("href=\"/runs/1\""));
}

#[tokio::test]
async fn without_an_answer_of_the_agent_the_rest_is_shown() {
    let fixture = Fixture::new().await;
    write(&fixture, vec![(done("a"), "by schedule")], SignedDuration::ZERO).await;
    fixture.agent.inject(Route::BackupDue, Fault::Latency(Duration::from_secs(60)), Repeat::Always);
    fixture.agent.inject(Route::BackupStatus, Fault::CloseBeforeAnswer, Repeat::Always);
    let page = fixture.page("/backups").await;
    assert!(page.contains("The host agent has not answered for 3 s.") && page.contains("not known"), "{page}");
    assert!(page.contains("href=\"/runs/1\"") && page.contains("<ol class=\"times\">"));
}

#[tokio::test]
async fn while_the_store_is_parked_the_page_says_so_and_shows_the_rest() {
    let fixture = Fixture::new().await;
    write(&fixture, vec![(done("a"), "by schedule")], SignedDuration::ZERO).await;
    let parked = fixture.store.park();
    let page = fixture.page("/backups").await;
    assert!(page.contains("The history is frozen with the disk, for ") && !page.contains("/runs/1"), "{page}");
    assert!(page.contains("Due, says the host agent") && page.contains("<ol class=\"times\">"));
    drop(parked);
    assert!(fixture.page("/backups").await.contains("/runs/1"));
}

#[tokio::test]
async fn markup_in_what_the_agent_said_is_text() {
    let fixture = Fixture::new().await;
    fixture.agent.change(|state| state.backup.make_due(MARKUP));
    let end = RunEnd {
        consistency: Some(format!("crash: {MARKUP}")),
        job_id: Some(MARKUP.into()),
        ..RunEnd::new(RunState::Failed, MARKUP)
    };
    write(&fixture, vec![(end, MARKUP)], SignedDuration::ZERO).await;
    let page = fixture.page("/backups").await;
    assert!(!page.contains("<script>taken"), "{page}");
    assert_eq!(page.matches("&#60;script&#62;taken").count(), 4, "{page}");
}

#[tokio::test]
async fn ten_thousand_runs_are_looked_through_in_light_pages() {
    let fixture = Fixture::new().await;
    let long = "words of the agent ".repeat(60);
    let runs = (0..10_000).map(|run| match run % 3 {
        0 => (RunEnd::new(RunState::Failed, &*long), "by schedule"),
        _ => (done("job"), "by schedule"),
    });
    write(&fixture, runs.collect(), SignedDuration::from_mins(30)).await;
    let mut path = "/backups".to_owned();
    for place in 0..3 {
        let page = fixture.page(&path).await;
        assert!(weight(&page) < HEAVIEST, "{} bytes", weight(&page));
        assert!(page.contains(&long[..160]), "{page}");
        assert!(!page.contains(&long[..200]), "{page}");
        let newest = 10_000 - 25 * place;
        assert!(page.contains(&format!("<th scope=\"row\"><a href=\"/runs/{newest}\">")), "{newest}: {page}");
        assert_eq!(page.contains("the newest</a>"), place > 0);
        path = format!("/backups?before={}", newest - 24);
        assert!(page.contains(&format!("{}#runs", path.strip_prefix("/backups").unwrap())), "{path}: {page}");
    }
    assert!(fixture.page("/backups?before=25").await.matches("<th scope=\"row\"><a href=\"/runs/").count() == 24);
    assert!(!fixture.page("/backups?before=25").await.contains("older ones"));
    assert!(fixture.page("/backups?before=1").await.contains("There are no older ones."));
    let answer = Visitor(&fixture.sockets.main).get("/backups?before=x").await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.html.starts_with("<!doctype html>"));
}

#[tokio::test]
async fn whoever_may_operate_has_forms_and_comes_back_here() {
    let fixture = Fixture::new().await;
    let page = Visitor(&fixture.sockets.read_only).get("/backups").await.html;
    assert!(page.contains("What comes next") && !page.contains("<form"), "{page}");
    let visitor = Visitor(&fixture.sockets.main);
    let mut page = fixture.page("/backups").await;
    assert!(page.contains("action=\"/subjects/backup/run\""));
    for (act, done, text) in [("pause", "paused", "Resume the schedule"), ("resume", "resumed", "Pause the schedule")] {
        let answer = visitor.submit(&page, &format!("/subjects/backup/{act}"), &[]).await;
        assert_eq!((answer.status, answer.place), (StatusCode::SEE_OTHER, format!("/backups?done={done}")));
        page = fixture.page(&format!("/backups?done={done}")).await;
        assert!(page.contains(text), "{page}");
    }
}
