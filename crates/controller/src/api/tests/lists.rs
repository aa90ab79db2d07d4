//! Lists and what describes: pages, the configuration, the document.

use hyper::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Fixture, ask_at};
use crate::run::{LineLevel, LogLine, RunId};

/// All items of a list, page by page, and how many pages there were.
async fn pages(fixture: &Fixture, path: &str, name: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let (status, page) = fixture.get(&format!("{path}?limit=2{cursor}")).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        pages += 1;
        items.extend(page[name].as_array().unwrap().clone());
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return (items, pages),
        }
    }
}

fn line(number: i64) -> LogLine {
    LogLine { number, at: Timestamp::UNIX_EPOCH, level: LineLevel::Info, text: "line".into() }
}

#[tokio::test]
async fn each_list_that_grows_is_read_page_by_page_without_a_gap_or_a_repetition() {
    let fixture = Fixture::new().await;
    let written = fixture.store.writer().write(|tx| {
        for _ in 0..5 {
            tx.queue_run(Timestamp::UNIX_EPOCH, "x", "", "")?;
        }
        (1..=4).try_for_each(|number| tx.add_line(RunId(3), &line(number)))
    });
    written.await.unwrap();
    let numbers = |items: &[Value], key: &str| items.iter().map(|item| item[key].as_i64().unwrap()).collect::<Vec<_>>();
    let (runs, count) = pages(&fixture, "/v1/runs", "runs").await;
    assert_eq!((numbers(&runs, "id"), count), (vec![5, 4, 3, 2, 1], 3));
    let (events, count) = pages(&fixture, "/v1/events", "events").await;
    assert_eq!((numbers(&events, "number"), count), (vec![1, 2, 3, 4, 5], 3));
    let (lines, count) = pages(&fixture, "/v1/runs/3/log", "lines").await;
    assert_eq!((numbers(&lines, "number"), count), (vec![1, 2, 3, 4], 2));
    assert_eq!(lines[0], json!({ "number": 1, "at": "1970-01-01T00:00:00Z", "level": "info", "text": "line" }));

    for wrong in ["limit=0", "limit=1001", "limit=-1", "cursor=5", "cursor=e5"] {
        let (status, problem) = fixture.get(&format!("/v1/runs?{wrong}")).await;
        assert_eq!((status, &problem["kind"]), (StatusCode::BAD_REQUEST, &json!("invalid-argument")), "{wrong}");
    }
}

#[tokio::test]
async fn the_configuration_in_use_is_shown_on_both_sockets_without_a_secret() {
    let fixture = Fixture::new().await;
    for socket in [&fixture.sockets.main, &fixture.sockets.read_only] {
        let (status, config) = ask_at(socket, Method::GET, "/v1/config", "").await;
        assert_eq!(status, StatusCode::OK);
        assert!(!config.to_string().contains("secret"), "{config}");
        assert_eq!((&config["guest"], &config["agent"]["endpoint"]), (&json!("guest"), &json!("agent:8443")));
        assert_eq!(config["backup"]["due"]["paused"], json!(false));
        let applications = json!([
            { "file_system": null, "hold": null, "freeze": "mysql", "thaw": "thaw" },
            { "file_system": "/data", "hold": null, "freeze": null, "thaw": null }
        ]);
        assert_eq!(config["quiesce"]["applications"], applications);
        let targets: Vec<_> = config["notify"].as_array().unwrap().iter().map(|one| one["target"].clone()).collect();
        assert_eq!(targets, ["https://chat.example/..", "tell"]);
    }
}

#[tokio::test]
async fn the_document_is_served_as_it_is_kept() {
    let fixture = Fixture::new().await;
    let (_, served) = ask_at(&fixture.sockets.read_only, Method::GET, "/v1/openapi.json", "").await;
    assert_eq!(served, serde_json::from_str::<Value>(crate::api::openapi()).unwrap());
    assert_eq!(served["openapi"], "3.1.0");
}
