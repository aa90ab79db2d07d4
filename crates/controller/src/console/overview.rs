//! Is everything well? What runs, what waits for a person, what holds.

use std::cmp::Reverse;

use askama::Template;
use axum::extract::State;

use crate::api::ApiState;
use crate::approval::Approval;
use crate::console::going::{Frozen, Going};
use crate::console::page::{Page, Shown};
use crate::console::time::Time;
use crate::console::words::{advice, class, first_and_other_lines, shown};
use crate::finding::Finding;
use crate::owner::SubjectStatus;
use crate::run::host::BACKUP;

#[derive(Template)]
#[template(path = "overview.html")]
pub(super) struct Overview {
    page: Page,
    findings: Vec<Held>,
    approvals: Vec<Asked>,
    freeze: Option<Frozen>,
    backup: Option<Row>,
    subjects: Vec<Row>,
}

/// A condition that holds.
struct Held {
    class: &'static str,
    severity: &'static str,
    /// The first line of its text.
    text: String,
    /// The lines that follow, of a message of an extension.
    details: Vec<String>,
    advice: String,
    since: Time,
}

/// A wipe that waits for a person.
struct Asked {
    id: i64,
    asked_by: String,
    device: String,
    until: Time,
}

/// A subject, and how it is.
struct Row {
    name: String,
    is_paused: bool,
    going: Going,
    success: Option<Time>,
    next: Option<Time>,
}

pub(super) async fn show(State(state): State<ApiState>, page: Page) -> Shown<Overview> {
    let status = state.owner.status.get();
    let subjects: Vec<_> = status.subjects.iter().map(|subject| Row::new(&page, subject)).collect();
    let backup = status.subjects.iter().find(|subject| subject.name == BACKUP).map(|subject| Row::new(&page, subject));
    let mut findings = state.findings.borrow().to_vec();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    let findings = findings.iter().map(|finding| Held::new(&page, finding)).collect();
    let approvals = state.desk.waiting().borrow().iter().map(|approval| Asked::new(&page, approval)).collect();
    let freeze = Frozen::of(&state);
    Shown(Overview { page, findings, approvals, freeze, backup, subjects })
}

impl Held {
    fn new(page: &Page, finding: &Finding) -> Self {
        let (text, details) = first_and_other_lines(&finding.text);
        Self {
            class: class(finding.severity),
            severity: finding.severity.name(),
            text,
            details,
            advice: advice(finding),
            since: page.time(finding.since),
        }
    }
}

impl Row {
    fn new(page: &Page, subject: &SubjectStatus) -> Self {
        Self {
            name: subject.name.clone(),
            is_paused: subject.is_paused,
            going: Going::new(subject.activity, page.now),
            success: subject.last_success.map(|at| page.time(at)),
            next: subject.next_due.map(|at| page.time(at)),
        }
    }
}

impl Asked {
    fn new(page: &Page, approval: &Approval) -> Self {
        Self {
            id: approval.id.0,
            asked_by: approval.wipe.asked_by().to_owned(),
            device: shown(&approval.wipe.device),
            until: page.time(approval.expires_at),
        }
    }
}
