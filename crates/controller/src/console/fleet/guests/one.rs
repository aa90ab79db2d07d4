//! One guest, with all that it has told of itself.

use askama::Template;

use super::super::events::Row as EventRow;
use super::super::{Frame, Seen};
use super::{Backup, activity, life_class};
use crate::api::extract::PathPart;
use crate::api::problem::{Problem, ProblemKind};
use crate::board::{Guest, GuestFinding, GuestSubject, Life, TriedExtension, short_digest};
use crate::console::page::{Page, Shown};
use crate::console::time::{Time, length};
use crate::console::trouble::Trouble;
use crate::console::words::{class, command, first_and_other_lines, shown};

#[derive(Template)]
#[template(path = "fleet_guest.html")]
pub(in crate::console::fleet) struct One {
    page: Page,
    fleet: Frame,
    name: String,
    life: Life,
    life_class: &'static str,
    heard: Option<Time>,
    /// None where it has told nothing of itself.
    told: Option<Told>,
    clock: Option<String>,
    backup: Backup,
    findings: Vec<Finding>,
    approvals: usize,
    subjects: Vec<Subject>,
    extensions: Vec<Extension>,
    events: Vec<EventRow>,
    /// None for a name that is no guest's.
    commands: Option<Commands>,
}

/// What it has told of its place.
struct Told {
    at: Time,
    host: String,
    ring: u8,
    slots: String,
    version: String,
}

struct Finding {
    class: &'static str,
    severity: &'static str,
    subject: String,
    text: String,
    details: Vec<String>,
    since: Time,
}

struct Subject {
    name: String,
    /// Enough of it to tell two versions apart by eye.
    digest: String,
    now: &'static str,
    next: Option<Time>,
    last: Option<Time>,
}

struct Extension {
    name: String,
    digest: Option<String>,
    class: &'static str,
    state: &'static str,
    why: String,
}

/// What can be done about a guest.
struct Commands {
    order: String,
    want: String,
    events: String,
}

pub(in crate::console::fleet) async fn show(
    seen: Seen,
    name: Result<PathPart<String>, Problem>,
) -> Result<Shown<One>, Trouble> {
    let PathPart(name) = name?;
    let fleet = seen.frame();
    let Seen { page, board } = seen;
    let unknown = || Problem::new(ProblemKind::NotFound, format!("the bus knows no guest {name}"));
    let Guest { row, clock_error, told_at, subjects, findings, extensions } =
        board.guest(&name).cloned().ok_or_else(unknown)?;
    let told = told_at.map(|at| Told {
        at: page.time(at),
        host: shown(&row.host),
        ring: row.ring,
        slots: shown(&row.slots),
        version: shown(&row.version),
    });
    let clock = clock_error
        .map(|error| format!("{} {}", length(error.abs()), if error.is_negative() { "behind" } else { "ahead" }));
    let events = board.events.iter().filter(|event| event.guest == name).take(EVENTS);
    Ok(Shown(One {
        fleet,
        name: shown(&row.guest),
        life: row.life,
        life_class: life_class(row.life),
        heard: row.heard.map(|at| page.time(at)),
        told,
        clock,
        backup: Backup::new(&page, &row),
        findings: findings.iter().map(|finding| Finding::new(&page, finding)).collect(),
        approvals: row.approvals,
        subjects: subjects.iter().map(|subject| Subject::new(&page, subject)).collect(),
        extensions: extensions.iter().map(Extension::new).collect(),
        events: events.map(|event| EventRow::new(&page, event)).collect(),
        commands: Commands::new(&row.guest),
        page,
    }))
}

impl Commands {
    fn new(guest: &str) -> Option<Self> {
        let fleet = |words: &[&str]| command(&[&["agentapi", "fleet"], words].concat());
        Some(Self {
            order: fleet(&["order", guest, "backup"])?,
            want: fleet(&["want", "backup", guest, "--newest-within", "24h"])?,
            events: fleet(&["events", "--guest", guest])?,
        })
    }
}

impl Finding {
    fn new(page: &Page, finding: &GuestFinding) -> Self {
        let (text, details) = first_and_other_lines(&finding.text);
        let (class, severity) = (class(finding.severity), finding.severity.name());
        Self { class, severity, subject: shown(&finding.subject), text, details, since: page.time(finding.since) }
    }
}

impl Subject {
    fn new(page: &Page, subject: &GuestSubject) -> Self {
        Self {
            name: shown(&subject.name),
            digest: shown(short_digest(&subject.digest)),
            now: activity(&subject.activity, subject.is_paused),
            next: subject.next_due.map(|at| page.time(at)),
            last: subject.last_success.map(|at| page.time(at)),
        }
    }
}

impl Extension {
    fn new(extension: &TriedExtension) -> Self {
        Self {
            name: shown(&extension.name),
            digest: extension.digest.as_deref().map(shown),
            class: class(extension.severity),
            state: extension.state,
            why: shown(&extension.why),
        }
    }
}

/// The latest ones of this guest.
const EVENTS: usize = 10;
