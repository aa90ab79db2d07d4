use jiff::{SignedDuration, Timestamp};

use super::{Board, Guest, GuestRow, Life, Lost, short_digest};

fn guest(name: &str) -> Guest {
    let row = GuestRow {
        guest: name.into(),
        host: "pve1".into(),
        ring: 9,
        slots: "pve1".into(),
        life: Life::Alive,
        heard: None,
        last_backup: None,
        next_backup: None,
        backup: Some("idle".into()),
        is_paused: false,
        is_overdue: false,
        findings: 0,
        worst: None,
        approvals: 0,
        version: "0.1.0".into(),
    };
    let (subjects, findings, extensions) = (Vec::new(), Vec::new(), Vec::new());
    Guest { row, clock_error: None, told_at: None, subjects, findings, extensions }
}

#[test]
fn a_guest_is_alive_by_the_clock_of_the_bus() {
    let now: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
    let ago = |seconds| Some(now - SignedDuration::from_secs(seconds));
    assert_eq!(Life::from_heartbeat(None, now), Life::Gone);
    for (seconds, life) in [
        (0, Life::Alive),
        (65, Life::Alive),
        (66, Life::Late),
        (300, Life::Late),
        (301, Life::Gone),
        (-900, Life::Alive),
    ] {
        assert_eq!(Life::from_heartbeat(ago(seconds), now), life, "{seconds} s ago");
    }
}

#[test]
fn a_list_begins_with_whom_somebody_should_look_at() {
    let at = |hour: i64| Some(Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour));
    let row = |name: &str, is_overdue, last_backup, backup: Option<&str>| {
        let row = guest(name).row;
        GuestRow { is_overdue, last_backup, backup: backup.map(str::to_owned), ..row }
    };
    let mut rows = [
        row("makes-none", false, None, None),
        row("well-and-old", false, at(1), Some("idle")),
        row("well", false, at(9), Some("idle")),
        row("overdue", true, at(5), Some("idle")),
        row("never", true, None, Some("idle")),
        row("an-overdue", true, at(5), Some("running")),
    ];
    rows.sort_by_key(GuestRow::urgency);
    let names: Vec<_> = rows.iter().map(|row| row.guest.as_str()).collect();
    assert_eq!(names, ["never", "an-overdue", "overdue", "well-and-old", "well", "makes-none"]);
}

#[test]
fn that_a_guest_was_heard_again_is_nothing_to_see_and_that_it_is_gone_is() {
    let board = Board { read_at: Some(Timestamp::UNIX_EPOCH), guests: vec![guest("web1")], ..Board::default() };
    let mut later = board.clone();
    later.read_at = Some(Timestamp::MAX);
    later.guests[0].row.heard = Some(Timestamp::MAX);
    later.guests[0].told_at = Some(Timestamp::MAX);
    assert!(board.shows_the_same(&later));
    let lost = Some(Lost { since: Timestamp::MAX, why: "it is down".into() });
    let mut gone = later.clone();
    gone.guests[0].row.life = Life::Gone;
    let mut wrong_clock = later.clone();
    wrong_clock.guests[0].clock_error = Some(SignedDuration::from_mins(5));
    for other in [Board { lost, ..later.clone() }, Board { read_at: None, ..later.clone() }, gone, wrong_clock] {
        assert!(!board.shows_the_same(&other), "{other:?}");
    }
}

#[test]
fn a_digest_is_shortened_to_twelve_characters_whatever_a_guest_has_told() {
    for (told, short) in
        [("0123456789abcdef", "0123456789ab"), ("0123", "0123"), ("", ""), ("ääääääääääääää", "ääääääääääää")]
    {
        assert_eq!(short_digest(told), short);
    }
}
