//! What is printed of a fleet: for people, and as JSON.

use std::fmt;

use agentapi_controller::board::{GuestRow, short_digest};
use agentapi_controller::event::Severity as EventSeverity;
use agentapi_findings::Severity;
use agentapi_fleet::heartbeat::Life;
use agentapi_fleet::inventory::{FindingView, SubjectView};
use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::objects::Made;
use agentapi_fleet::overview::{GuestView, Overview};
use jiff::Timestamp;
use serde::Serialize;

use crate::print::escape::visible;
use crate::print::severity::margin;
use crate::print::table::{Cell, Column, Table};
use crate::print::units::duration;
use crate::print::width::stdout_columns;

/// What became of each object on the server.
#[derive(Serialize)]
pub(super) struct MadeList {
    objects: Vec<MadeObject>,
}

#[derive(Serialize)]
struct MadeObject {
    name: String,
    is: &'static str,
}

pub(super) fn made(objects: &[(String, Made)]) -> MadeList {
    let word = |made: Made| match made {
        Made::New => "made",
        Made::AlreadySo => "there",
        Made::Changed => "changed",
    };
    MadeList {
        objects: objects.iter().map(|(name, made)| MadeObject { name: name.clone(), is: word(*made) }).collect(),
    }
}

impl fmt::Display for MadeList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.objects.iter().try_for_each(|object| writeln!(f, "{:<11} {}", object.name, object.is))
    }
}

/// `fleet ls`.
#[derive(Serialize)]
pub(super) struct GuestList {
    guests: Vec<GuestRow>,
    #[serde(skip)]
    now: Timestamp,
}

pub(super) fn guests(overview: &Overview, now: Timestamp) -> GuestList {
    GuestList { guests: overview.rows(now), now }
}

impl fmt::Display for GuestList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.guests.is_empty() {
            return f.write_str(NOBODY);
        }
        let mut table = Table::new(&GUEST_COLUMNS);
        for row in &self.guests {
            let findings = if row.findings == 0 { String::new() } else { row.findings.to_string() };
            table.row([
                row.guest.as_str().into(),
                life_cell(row.life),
                age(row.last_backup, self.now).into(),
                Cell::judged(&findings, row.worst.and_then(severity)),
                row.host.as_str().into(),
                next(row).into(),
                age(row.heard, self.now).into(),
            ]);
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

/// `fleet backups`: whose is overdue first.
#[derive(Serialize)]
pub(super) struct BackupList {
    backups: Vec<GuestRow>,
    #[serde(skip)]
    now: Timestamp,
}

pub(super) fn backups(overview: &Overview, now: Timestamp) -> BackupList {
    let mut backups = guests(overview, now).guests;
    backups.sort_by_key(GuestRow::urgency);
    BackupList { backups, now }
}

impl fmt::Display for BackupList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.backups.is_empty() {
            return f.write_str(NOBODY);
        }
        let mut table = Table::new(&BACKUP_COLUMNS);
        for row in &self.backups {
            table.row([
                row.guest.as_str().into(),
                age(row.last_backup, self.now).into(),
                local_time(row.last_backup).into(),
                row.backup.as_deref().unwrap_or("makes none").into(),
                next(row).into(),
                life_cell(row.life),
            ]);
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

/// `fleet show`.
#[derive(Serialize)]
pub(super) struct Guest<'a> {
    guest: &'a GuestName,
    life: Life,
    #[serde(flatten)]
    view: &'a GuestView,
    #[serde(skip)]
    now: Timestamp,
}

pub(super) fn one<'a>(name: &'a GuestName, view: &'a GuestView, now: Timestamp) -> Guest<'a> {
    Guest { guest: name, life: view.life(now), view, now }
}

impl fmt::Display for Guest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guest, life, view, now } = self;
        writeln!(f, "{guest}: {}, heard {}", life.name(), ago(view.heard, *now))?;
        // Windows and expiries are by the guest's own clock.
        if let Some(ahead) = view.clock_error() {
            let direction = if ahead.is_negative() { "behind" } else { "ahead" };
            writeln!(
                f,
                "{}its clock is {} {direction}",
                margin(Some(Severity::Warning)),
                duration(ahead.abs().as_secs())
            )?;
        }
        let Some(inventory) = &view.inventory else {
            return writeln!(f, "It has not said what there is to know of it.");
        };
        writeln!(
            f,
            "on {}, agentapi {}, as of {}\n",
            visible(&inventory.place.host),
            visible(&inventory.version),
            ago(view.inventory_at, *now)
        )?;
        f.write_str(&subjects(&inventory.subjects))?;
        inventory.findings.iter().try_for_each(|finding| write_finding(f, finding))?;
        for approval in &inventory.approvals {
            let text = |key: &str| visible(approval[key].as_str().unwrap_or("")).into_owned();
            writeln!(
                f,
                "{}a wipe of {} ({}) waits for a person",
                margin(Some(Severity::Warning)),
                text("device"),
                text("durable_id")
            )?;
        }
        Ok(())
    }
}

fn life_cell(life: Life) -> Cell {
    let severity = match life {
        Life::Alive => None,
        Life::Late => Some(Severity::Warning),
        Life::Gone => Some(Severity::Critical),
    };
    Cell::judged(life.name(), severity)
}

fn next(row: &GuestRow) -> String {
    if row.is_paused { "paused".to_owned() } else { local_time(row.next_backup) }
}

fn subjects(subjects: &[SubjectView]) -> String {
    let mut table = Table::new(&SUBJECT_COLUMNS);
    for subject in subjects {
        let next = if subject.is_paused { "paused".to_owned() } else { local_time(subject.next_due) };
        let times = [subject.last_start, subject.last_success].map(local_time);
        let [start, success] = times;
        table.row(
            [subject.name.as_str(), &subject.activity, &next, &start, &success, short_digest(&subject.digest)]
                .map(Into::into),
        );
    }
    if subjects.is_empty() { "Nothing is configured to run.\n".to_owned() } else { table.render(stdout_columns()) }
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &FindingView) -> fmt::Result {
    let text: Vec<_> = finding.text.lines().map(visible).collect();
    writeln!(f, "{}{}: {}", margin(severity(finding.severity)), visible(&finding.subject), text.join("\n   "))
}

fn severity(severity: EventSeverity) -> Option<Severity> {
    match severity {
        EventSeverity::Critical => Some(Severity::Critical),
        EventSeverity::Warning => Some(Severity::Warning),
        _ => None,
    }
}

/// A time in this machine's zone, to the minute. Empty where there is none.
pub(super) fn local_time(at: Option<Timestamp>) -> String {
    let zoned = at.map(|at| at.to_zoned(jiff::tz::TimeZone::system()));
    zoned.map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

pub(super) fn age(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "never".to_owned(), |at| duration(now.duration_since(at).as_secs().max(0)))
}

fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(|| "never".to_owned(), |_| format!("{} ago", age(at, now)))
}

const NOBODY: &str = "The bus knows no guest yet: a guest tells of itself when it runs with [fleet].\n";

const GUEST_COLUMNS: [Column; 7] = [
    Column::value("GUEST", 1),
    Column::words("IS", 2),
    Column::words("LAST BACKUP", 3),
    Column::words("FINDINGS", 4),
    Column::value("HOST", 5),
    Column::words("NEXT BACKUP", 6),
    Column::words("HEARD", 7),
];

const BACKUP_COLUMNS: [Column; 6] = [
    Column::value("GUEST", 1),
    Column::words("AGE", 2),
    Column::words("LAST GOOD BACKUP", 5),
    Column::words("NOW", 3),
    Column::words("NEXT", 4),
    Column::words("IS", 6),
];

const SUBJECT_COLUMNS: [Column; 6] = [
    Column::value("NAME", 1),
    Column::words("NOW", 2),
    Column::words("NEXT", 3),
    Column::words("LAST START", 5),
    Column::words("LAST SUCCESS", 4),
    Column::value("SHA-256", 6),
];
