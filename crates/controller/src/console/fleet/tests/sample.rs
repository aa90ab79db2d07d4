//! A board with something on each page.

use jiff::{SignedDuration, Timestamp};

use crate::board::{
    Board, Guest, GuestEvent, GuestFinding, GuestRow, GuestSubject, Life, Rollout, RolloutState, SlotGroup, SlotPlace,
    TriedExtension, WaitingApproval, WipeRequest,
};
use crate::event::Severity;

pub(super) fn now() -> Timestamp {
    "2026-11-27T10:00:00Z".parse().unwrap()
}

pub(super) fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

/// A guest that is well. `text` stands wherever a guest may write one.
pub(super) fn guest(name: &str, text: &str) -> Guest {
    let row = GuestRow {
        guest: name.into(),
        host: text.into(),
        ring: 3,
        slots: text.into(),
        life: Life::Alive,
        heard: Some(ago(0)),
        last_backup: Some(ago(60)),
        next_backup: Some(ago(-60)),
        backup: Some("idle".into()),
        is_paused: false,
        is_overdue: false,
        findings: 1,
        worst: Some(Severity::Warning),
        approvals: 0,
        version: text.into(),
    };
    let subject = GuestSubject {
        name: text.into(),
        digest: text.into(),
        activity: text.into(),
        is_paused: false,
        next_due: Some(ago(-5)),
        last_success: Some(ago(5)),
    };
    let finding = GuestFinding {
        subject: text.into(),
        severity: Severity::Warning,
        since: ago(9),
        text: format!("{text}\n{text}"),
    };
    let extension = TriedExtension {
        name: text.into(),
        digest: Some(text.into()),
        state: "refused",
        severity: Severity::Critical,
        why: text.into(),
    };
    Guest {
        row,
        clock_error: None,
        told_at: Some(ago(1)),
        subjects: vec![subject],
        findings: vec![finding],
        extensions: vec![extension],
    }
}

pub(super) fn approval(guest: &str, text: &str) -> WaitingApproval {
    let request = WipeRequest {
        id: 7,
        asked_by: text.into(),
        device: text.into(),
        durable_id: text.into(),
        size_bytes: 1 << 40,
        role: text.into(),
        contents: text.into(),
        until: ago(-14),
    };
    WaitingApproval { guest: guest.into(), request: Ok(request) }
}

pub(super) fn event(guest: &str, text: &str) -> GuestEvent {
    GuestEvent {
        guest: guest.into(),
        at: ago(2),
        kind: text.into(),
        severity: Severity::Critical,
        subject: text.into(),
        text: text.into(),
    }
}

pub(super) fn rollout(text: &str, state: RolloutState) -> Rollout {
    let (extension, digest) = (text.to_owned(), text.to_owned());
    Rollout { extension, digest, rings: vec![1, 3, 9], reached: 2, began: ago(30), state }
}

/// A board with something on each page, whose texts are all this one.
pub(super) fn board(text: &str) -> Board {
    let place = |guest: &str| SlotPlace { guest: guest.into(), since: ago(3) };
    let group = SlotGroup {
        name: text.into(),
        max: Some(4),
        holders: vec![place("web1"), place(text)],
        waiting: vec![place("web3"), place(text)],
    };
    let states = [
        RolloutState::Running(vec!["web1".into(), text.into()]),
        RolloutState::Stopped(text.into()),
        RolloutState::Done,
        RolloutState::RollingBack,
        RolloutState::RolledBack,
    ];
    Board {
        read_at: Some(ago(0)),
        lost: None,
        guests: vec![guest("web1", text), guest(text, text)],
        groups: vec![group],
        rollouts: states.into_iter().map(|state| rollout(text, state)).collect(),
        approvals: vec![approval("web1", text), WaitingApproval { guest: text.into(), request: Err(text.into()) }],
        events: vec![event("web1", text), event(text, text)],
    }
}
