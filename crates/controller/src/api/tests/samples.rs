//! What was measured.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::json;

use super::{Fixture, ask_at};
use crate::sample::{Measure, Sample};

#[tokio::test]
async fn what_was_measured_is_listed_on_both_sockets_and_its_points_from_a_time_on() {
    let fixture = Fixture::new().await;
    let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
    let written = fixture.store.writer().write(move |tx| {
        (0..3).try_for_each(|minute| {
            let value = minute as f64;
            tx.add_samples(at(minute), &[Sample { measure: Measure::DiskUsed, of: "uuid:a b".into(), value }])
        })
    });
    written.await.unwrap();
    let series = json!({ "series": [{ "measure": "disk-used", "of": "uuid:a b", "last_at": "1970-01-01T00:02:00Z" }] });
    let point = |at: &str, value: f64| json!({ "at": at, "min": value, "mean": value, "max": value });
    let path = "/v1/samples?measure=disk-used&of=uuid:a%20b&step=1m&from=1970-01-01T00:01:00Z";
    let points = json!({ "points": [point("1970-01-01T00:01:00Z", 1.0), point("1970-01-01T00:02:00Z", 2.0)] });
    for socket in [&fixture.sockets.main, &fixture.sockets.read_only] {
        assert_eq!(ask_at(socket, hyper::Method::GET, "/v1/series", "").await, (StatusCode::OK, series.clone()));
        assert_eq!(ask_at(socket, hyper::Method::GET, path, "").await, (StatusCode::OK, points.clone()));
    }
}

#[tokio::test]
async fn what_was_never_measured_and_what_cannot_be_is_told_apart() {
    let fixture = Fixture::new().await;
    for (query, status, detail) in [
        ("measure=cpu&step=1m", StatusCode::NOT_FOUND, "there is no series cpu of \"\""),
        ("measure=moon&step=1m", StatusCode::BAD_REQUEST, "moon"),
        ("measure=cpu&step=7m", StatusCode::BAD_REQUEST, "7m"),
        ("measure=cpu", StatusCode::BAD_REQUEST, "step"),
        ("measure=cpu&step=1d&from=today", StatusCode::BAD_REQUEST, "from"),
    ] {
        let (found, problem) = fixture.get(&format!("/v1/samples?{query}")).await;
        assert_eq!(found, status, "{query}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{query}: {problem}");
    }
    let _parked = fixture.store.park();
    assert_eq!(fixture.get("/v1/series").await.0, StatusCode::SERVICE_UNAVAILABLE);
}
