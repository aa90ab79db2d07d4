//! The SQL of schedules: what must outlive a restart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

/// What is remembered of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScheduleState {
    /// Whether somebody has paused it.
    pub is_paused: bool,
    /// The due time that was dealt with last.
    pub last_due_at: Option<Timestamp>,
    /// When a run of it began last.
    pub last_start_at: Option<Timestamp>,
    /// When a run of it was done last.
    pub last_success_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Pauses a schedule, or lets it go on. Whether that was a change.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn set_paused(&mut self, subject: &str, is_paused: bool) -> Result<bool, StoreError> {
        self.ensure_schedule(subject)?;
        let sql = "UPDATE schedule SET is_paused = ?2 WHERE subject = ?1 AND is_paused <> ?2";
        Ok(self.savepoint.execute(sql, params![subject, is_paused])? == 1)
    }

    /// Remembers that a due time was dealt with.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn dealt_with(&mut self, subject: &str, due: Timestamp) -> Result<(), StoreError> {
        self.set_time(subject, "last_due_at", due)
    }

    pub(super) fn has_started(&mut self, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        self.set_time(subject, "last_start_at", at)
    }

    pub(super) fn has_succeeded(&mut self, subject: &str, at: Timestamp) -> Result<(), StoreError> {
        self.set_time(subject, "last_success_at", at)
    }

    fn set_time(&mut self, subject: &str, column: &'static str, at: Timestamp) -> Result<(), StoreError> {
        self.ensure_schedule(subject)?;
        let sql = format!("UPDATE schedule SET {column} = ?2 WHERE subject = ?1");
        self.savepoint.prepare_cached(&sql)?.execute(params![subject, to_ms(at)])?;
        Ok(())
    }

    pub(super) fn ensure_schedule(&mut self, subject: &str) -> Result<(), StoreError> {
        self.savepoint.execute("INSERT OR IGNORE INTO schedule (subject) VALUES (?1)", [subject])?;
        Ok(())
    }
}

impl Reader {
    /// What is remembered of all schedules, by their subjects: also of those that are configured no more.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn schedules(&self) -> Result<BTreeMap<String, ScheduleState>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT is_paused, last_due_at, last_start_at, last_success_at, subject FROM schedule";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(4)?, ScheduleState::from_row(row)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

impl ScheduleState {
    /// From the first four columns: paused, due, start, success.
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(from_ms));
        Ok(Self { is_paused: row.get(0)?, last_due_at: time(1)?, last_start_at: time(2)?, last_success_at: time(3)? })
    }
}
