//! The SQL of events.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::event::{Event, EventKind, NewEvent, Severity};
use crate::run::RunId;
use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

impl Tx<'_> {
    /// Writes an event. It is published after the commit.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn event(&mut self, at: Timestamp, event: NewEvent) -> Result<(), StoreError> {
        let NewEvent { kind, severity, subject, run, text } = event;
        self.savepoint.prepare_cached(INSERT)?.execute(params![
            to_ms(at),
            kind.name(),
            severity.name(),
            subject,
            run.map(|run| run.0),
            text
        ])?;
        let number = self.savepoint.last_insert_rowid();
        self.events.push(Event { number, at, kind, severity, subject, run, text });
        Ok(())
    }
}

impl Reader {
    /// Events with a greater number than this, oldest first, and no more than so many.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn events_after(&self, number: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| events_after(connection, number, limit)).await
    }

    /// The numbers of the oldest and the newest event; none where there is none.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn event_numbers(&self) -> Result<Option<(i64, i64)>, StoreError> {
        self.read(|connection| {
            let numbers = connection.query_row("SELECT min(number), max(number) FROM event", [], |row| {
                Ok(row.get::<_, Option<i64>>(0)?.zip(row.get(1)?))
            })?;
            Ok(numbers)
        })
        .await
    }
}

fn events_after(connection: &Connection, number: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
    let mut statement = connection.prepare_cached(SELECT_AFTER)?;
    let rows = statement.query_map(params![number, limit], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A name that this version does not know, which a newer one may have written, is told as what it is not: nothing is lost
/// but the kind.
fn from_row(row: &Row<'_>) -> rusqlite::Result<Event> {
    let (kind, severity): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Event {
        number: row.get(0)?,
        at: from_ms(row.get(1)?),
        kind: EventKind::from_name(&kind).unwrap_or(EventKind::Started),
        severity: Severity::from_name(&severity).unwrap_or(Severity::Info),
        subject: row.get(4)?,
        run: row.get::<_, Option<i64>>(5)?.map(RunId),
        text: row.get(6)?,
    })
}

const INSERT: &str = "INSERT INTO event (at, kind, severity, subject, run, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const SELECT_AFTER: &str =
    "SELECT number, at, kind, severity, subject, run, text FROM event WHERE number > ?1 ORDER BY number LIMIT ?2";
