use std::os::unix::fs::PermissionsExt;

use super::{Bytes, Duration, Failure, Outcome, Player, RecordedExchange, Recording, RecordingWriter, Route, Value};
use crate::upstream::Upstream;

const HEADER: &str = "{\"format\":\"agentapi-recording\",\"version\":1}\n";

fn exchange(at: u64, route: Route, outcome: Outcome) -> RecordedExchange {
    let (at, took) = (Duration::from_millis(at), Duration::from_millis(7));
    RecordedExchange { at, route, request: Value::Null, took, outcome }
}

fn answer(status: u16, body: &'static [u8]) -> Outcome {
    Outcome::Answer { status, body: Bytes::from_static(body) }
}

#[test]
fn what_is_written_is_read_in_the_order_of_the_requests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r.jsonl");
    let mut expected: Vec<_> =
        Failure::ALL.iter().map(|failure| exchange(5, Route::Disks, Outcome::Failed(*failure))).collect();
    expected.push(exchange(6, Route::StartBackup, answer(202, b"{\"ok\":\n\xc3\xa4")));
    expected.push(exchange(6, Route::Storage, answer(500, b"\xff\x00")));
    let earlier = exchange(1, Route::BackupDue, answer(200, b""));
    let mut writer = RecordingWriter::create(&file).unwrap();
    for exchange in expected.iter().chain([&earlier]) {
        writer.append(exchange).unwrap();
    }
    expected.insert(0, earlier);
    assert_eq!(Recording::read(&file).unwrap().exchanges, expected);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(RecordingWriter::create(&file).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    RecordingWriter::replace(&file).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), HEADER);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_torn_last_line_is_left_out() {
    let whole = r#"{"at_ms":1,"operation":"disks","request":null,"took_ms":7,"status":200,"body":"x"}"#;
    let recording = Recording::from_text(&format!("{HEADER}{whole}\n{}", &whole[..40])).unwrap();
    assert_eq!(recording.exchanges, [exchange(1, Route::Disks, answer(200, b"x"))]);
}

#[test]
fn an_error_names_the_line_what_was_expected_and_what_was_found() {
    let line = |rest: &str| format!(r#"{HEADER}{{"at_ms":1,"took_ms":7,"request":null,{rest}}}{}"#, "\n");
    for (text, expected) in [
        (
            String::new(),
            "line 1 of the recording: expected the header {\"format\":\"agentapi-recording\",\"version\":1}, found nothing",
        ),
        (HEADER.replace('1', "2"), "line 1 of the recording: expected version 1, found version 2"),
        (
            HEADER.replace("agentapi-", "a"),
            "line 1 of the recording: expected the format agentapi-recording, found \"arecording\"",
        ),
        (
            line(r#""operation":"diks","failed":"tls""#),
            "line 2 of the recording: expected an operation, found \"diks\"",
        ),
        (
            line(r#""operation":"disks","failed":"x""#),
            "line 2 of the recording: expected the name of a failure, found \"x\"",
        ),
        (
            line(r#""operation":"disks","status":100,"body":"""#),
            "line 2 of the recording: expected a status from 200 to 999, found 100",
        ),
        (
            line(r#""operation":"disks","status":200"#),
            "line 2 of the recording: expected status with body or body_base64, or else failed, found another set of them",
        ),
    ] {
        assert_eq!(Recording::from_text(&text).unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn a_get_repeats_its_last_answer_and_a_post_is_refused_beyond_the_recorded() {
    let recorded = [(Route::Disks, b"1"), (Route::StartBackup, b"a"), (Route::Disks, b"2")];
    let exchanges = recorded.map(|(route, body)| exchange(0, route, answer(200, body))).into();
    let player = Player::new(Recording { exchanges }, None);
    let play = async |route| match player.exchange(route, Bytes::new()).await {
        Outcome::Answer { status, body } => format!("{status} {}", String::from_utf8_lossy(&body)),
        failed => format!("{failed:?}"),
    };
    for expected in ["200 1", "200 2", "200 2"] {
        assert_eq!(play(Route::Disks).await, expected);
    }
    assert_eq!(play(Route::StartBackup).await, "200 a");
    let refused = "the recording has 1 start-backup, and this is number 2";
    assert_eq!(play(Route::StartBackup).await, format!(r#"410 {{"ok":false,"data":null,"error":"{refused}"}}"#));
    let refused = "the recording has no answer to storage";
    assert_eq!(play(Route::Storage).await, format!(r#"410 {{"ok":false,"data":null,"error":"{refused}"}}"#));
}

#[tokio::test]
async fn an_answer_takes_its_recorded_time_by_the_speed_and_is_there_at_once_without_one() {
    let hour = Duration::from_secs(3600);
    // None of these returns within a test if the speed is not obeyed.
    for (took, speed, least) in
        [(hour, None, 0), (hour, Some(360_000.0), 10), (Duration::from_millis(20), Some(1.0), 20)]
    {
        let exchanges = vec![RecordedExchange { took, ..exchange(0, Route::Disks, answer(200, b"1")) }];
        let started = tokio::time::Instant::now();
        Player::new(Recording { exchanges }, speed).exchange(Route::Disks, Bytes::new()).await;
        assert!(started.elapsed() >= Duration::from_millis(least), "{speed:?}: {:?}", started.elapsed());
    }
}
