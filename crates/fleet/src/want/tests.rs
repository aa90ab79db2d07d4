use std::sync::Arc;

use agentapi_controller::clock::SystemClock;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{BackupWish, Want, WantRefusal, Whose, change};
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, Table};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn wish(window: Option<&str>) -> BackupWish {
    BackupWish { newest_within: "24h".into(), window: window.map(Into::into), priority: None }
}

#[test]
fn another_backup_is_due_a_day_after_the_newest_and_in_the_window() {
    let now = at("2026-11-27T12:00:00Z");
    for (newest, window, due) in [
        (Some("2026-11-27T02:10:00Z"), None, "2026-11-28T02:10:00Z"),
        (Some("2026-11-26T02:10:00Z"), None, "2026-11-27T02:10:00Z"),
        (Some("2026-11-27T02:10:00Z"), Some("01:00-05:00"), "2026-11-28T02:10:00Z"),
        // By hand at noon: in the night after the next one.
        (Some("2026-11-27T12:00:00Z"), Some("01:00-05:00"), "2026-11-29T01:00:00Z"),
        (None, None, "2026-11-27T12:00:00Z"),
        (None, Some("01:00-05:00"), "2026-11-28T01:00:00Z"),
        // The clock was set back since.
        (Some("2027-11-27T02:10:00Z"), None, "2026-11-27T12:00:00Z"),
    ] {
        let found = wish(window).due(newest.map(at), now, TimeZone::UTC).unwrap();
        assert_eq!(found, Some(at(due)), "{newest:?} {window:?}");
    }
}

#[test]
fn what_is_not_possible_is_refused() {
    for (text, name, part) in [
        ("[]", "unreadable", "it is not understood"),
        (r#"{"number":1,"backup":{"newest_within":"10m"}}"#, "wrong", "expected a backup within 1h to 366d, found 10m"),
        (r#"{"number":1,"backup":{"newest_within":"9000000d"}}"#, "wrong", "found 9000000d"),
        (
            r#"{"number":1,"backup":{"newest_within":"2h","priority":200}}"#,
            "wrong",
            "a priority from 0 to 199, found 200",
        ),
        (r#"{"number":1,"backup":{"newest_within":"soon"}}"#, "wrong", "soon"),
        (r#"{"number":1,"backup":{"newest_within":"2h","window":"1-5"}}"#, "wrong", "two different times of day"),
        (r#"{"number":1,"extensions":{"x":{"digest":"../../etc"}}}"#, "wrong", "64 hex digits"),
    ] {
        let entry = crate::bus::Entry {
            key: "g1".into(),
            value: Some(text.as_bytes().to_vec().into()),
            revision: 1,
            at: Timestamp::UNIX_EPOCH,
        };
        let why = Want::read(&entry).unwrap_err();
        assert!(why.name() == name && why.to_string().contains(part), "{why}");
    }
    assert_eq!(WantRefusal::Older { known: 3, found: 2 }.name(), "older");
}

#[test]
fn a_wish_is_a_guest_s_or_a_ring_s() {
    for whose in [Whose::Guest("web1".parse().unwrap()), Whose::Ring(1), Whose::Ring(9)] {
        assert_eq!(Whose::parse(&whose.key()), Ok(whose));
    }
    for wrong in ["", "ring.", "ring.0", "ring.10", "ring.x", "a.b"] {
        assert!(Whose::parse(wrong).unwrap_err().contains("ring.1"), "{wrong}");
    }
}

#[tokio::test]
async fn the_number_grows_also_after_the_bus_has_forgotten_it() {
    let bus = MemoryBus::new(Arc::new(SystemClock));
    let ring = Whose::Ring(1);
    let set = |want: &mut Want| want.backup = Some(wish(None));
    assert_eq!(change(&bus, &ring, 0, set).await.unwrap().number, 1);
    assert_eq!(change(&bus, &ring, 0, set).await.unwrap().number, 1, "nothing was changed");
    assert_eq!(change(&bus, &ring, 0, |want| want.backup = None).await.unwrap().number, 2);
    bus.forget();
    assert_eq!(change(&bus, &ring, 2, set).await.unwrap().number, 3, "guests have seen 2");
    let wrong = BackupWish { newest_within: "1s".into(), ..wish(None) };
    assert!(change(&bus, &ring, 0, |want| want.backup = Some(wrong.clone())).await.is_err());
    assert!(bus.get(Table::Want, "ring.1").await.unwrap().is_some());
}
