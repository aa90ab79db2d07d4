//! A guest in a list: the command and the console show the same.

use crate::heartbeat::Life;
use agentapi_controller::board::GuestRow;
use agentapi_controller::finding::FindingKind;
use agentapi_controller::run::host::BACKUP;
use jiff::{SignedDuration, Timestamp};

use super::{GuestView, Overview};
use crate::inventory::{Inventory, SubjectView};
use crate::name::GuestName;

impl Overview {
    /// All guests in the order of their names.
    pub fn rows(&self, now: Timestamp) -> Vec<GuestRow> {
        self.guests().map(|(name, view)| view.row(name, now)).collect()
    }
}

impl GuestView {
    /// In a list of guests.
    pub fn row(&self, name: &GuestName, now: Timestamp) -> GuestRow {
        let inventory = self.inventory.as_ref();
        let place = inventory.map(|inventory| inventory.place.clone()).unwrap_or_default();
        let backup = inventory.and_then(|inventory| inventory.subject(BACKUP));
        GuestRow {
            guest: name.to_string(),
            host: place.host,
            ring: place.ring,
            slots: place.slots,
            life: self.life(now),
            heard: self.heard,
            last_backup: self.last_backup(),
            next_backup: backup.and_then(|backup| backup.next_due),
            backup: backup.map(|backup| backup.activity.clone()),
            is_paused: backup.is_some_and(|backup| backup.is_paused),
            is_overdue: inventory
                .zip(backup)
                .is_some_and(|(inventory, backup)| is_overdue(inventory, backup, self.life(now), now)),
            findings: inventory.map_or(0, |inventory| inventory.findings.len()),
            worst: inventory.and_then(|inventory| inventory.findings.iter().map(|finding| finding.severity).max()),
            approvals: inventory.map_or(0, |inventory| inventory.approvals.len()),
            version: inventory.map(|inventory| inventory.version.clone()).unwrap_or_default(),
        }
    }
}

/// There is no good backup yet; or the guest itself says that it is too long ago; or one was due and has not begun, as where
/// the guest is gone. One that waits for a slot is not overdue before the guest says so.
fn is_overdue(inventory: &Inventory, backup: &SubjectView, life: Life, now: Timestamp) -> bool {
    let is_alarm =
        inventory.findings.iter().any(|held| held.kind == FindingKind::NoSuccess.name() && held.subject == BACKUP);
    // What one that is gone was doing, it does no more.
    let is_waited_for = (backup.activity == IDLE || life == Life::Gone) && !backup.is_paused;
    let is_late = backup.next_due.is_some_and(|due| now.duration_since(due) > LATE_AFTER);
    is_alarm || backup.last_success.is_none() || (is_waited_for && is_late)
}

const IDLE: &str = "idle";
/// What a guest tells is some seconds old, and its clock may be some minutes off.
const LATE_AFTER: SignedDuration = SignedDuration::from_mins(10);

#[cfg(test)]
mod tests {
    use agentapi_controller::event::Severity;
    use jiff::{SignedDuration, Timestamp};

    use super::GuestView;
    use crate::inventory::{FindingView, Inventory, SubjectView};

    fn now() -> Timestamp {
        "2026-11-27T10:00:00Z".parse().unwrap()
    }

    fn overdue(backup: SubjectView, finding: Option<FindingView>) -> bool {
        overdue_of(backup, finding, Some(now()))
    }

    fn overdue_of(backup: SubjectView, finding: Option<FindingView>, heard: Option<Timestamp>) -> bool {
        let inventory = Inventory {
            version: "0.1.0".into(),
            place: Default::default(),
            subjects: vec![backup],
            findings: finding.into_iter().collect(),
            approvals: Vec::new(),
            samples: Vec::new(),
        };
        let view = GuestView { inventory: Some(inventory), heard, ..GuestView::default() };
        view.row(&"web1".parse().unwrap(), now()).is_overdue
    }

    fn backup() -> SubjectView {
        SubjectView {
            name: "backup".into(),
            digest: String::new(),
            activity: "idle".into(),
            is_paused: false,
            next_due: Some(now() + SignedDuration::from_hours(1)),
            last_start: None,
            last_success: Some(now() - SignedDuration::from_hours(23)),
        }
    }

    #[test]
    fn a_backup_is_overdue_where_there_is_none_or_none_that_was_due() {
        let due = Some(now() - SignedDuration::from_mins(11));
        let (waiting, running) = ("waiting".to_owned(), "running".to_owned());
        for (case, backup, is_overdue) in [
            ("well", backup(), false),
            ("never", SubjectView { last_success: None, ..backup() }, true),
            ("due", SubjectView { next_due: due, ..backup() }, true),
            ("paused", SubjectView { next_due: due, is_paused: true, ..backup() }, false),
            ("waits for a slot", SubjectView { next_due: due, activity: waiting, ..backup() }, false),
            ("runs", SubjectView { next_due: due, activity: running, ..backup() }, false),
            ("just due", SubjectView { next_due: Some(now() - SignedDuration::from_mins(9)), ..backup() }, false),
            ("an extension", SubjectView { name: "disk-watch".into(), last_success: None, ..backup() }, false),
        ] {
            assert_eq!(overdue(backup, None), is_overdue, "{case}");
        }
        for activity in ["waiting", "running"] {
            let was = SubjectView { next_due: due, activity: activity.into(), ..backup() };
            assert!(overdue_of(was, None, None), "{activity} when it was last heard, and gone since");
        }
    }

    #[test]
    fn a_guest_that_alarms_is_overdue_and_one_of_which_nothing_is_known_is_not() {
        let finding = |subject: &str| {
            let (subject, text, severity) = (subject.to_owned(), String::new(), Severity::Critical);
            Some(FindingView { kind: "no-success".into(), subject, severity, since: now(), text })
        };
        assert!(overdue(backup(), finding("backup")));
        assert!(!overdue(backup(), finding("disk-watch")));
        assert!(!GuestView::default().row(&"web1".parse().unwrap(), now()).is_overdue);
    }
}
