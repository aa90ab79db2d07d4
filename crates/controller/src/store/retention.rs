//! The SQL of forgetting: a bite at a time, so that nobody who writes waits long.

use jiff::Timestamp;
use rusqlite::params;

use crate::store::{StoreError, Tx, to_ms};

impl Tx<'_> {
    /// Forgets some runs, with their lines, that ended before this time or are beyond so many. How many.
    ///
    /// The latest run of each subject stays, whatever its age: a clock that was years ahead for a moment must not cost the
    /// whole history, and of a subject that seldom runs there is something to see.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn forget_runs(&mut self, ended_before: Timestamp, keep: u64) -> Result<usize, StoreError> {
        let sql = "DELETE FROM run WHERE id IN (
                       SELECT id FROM run
                       WHERE ended_at IS NOT NULL
                       AND (ended_at < ?1 OR id <= (SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?2))
                       AND id NOT IN (SELECT max(id) FROM run GROUP BY subject)
                       ORDER BY id LIMIT ?3)";
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        Ok(self.savepoint.execute(sql, params![to_ms(ended_before), keep, RUNS_IN_A_BITE])?)
    }

    /// Forgets some events that are from before this time or are beyond so many. How many.
    ///
    /// The latest one stays: it says up to which number there were any.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn forget_events(&mut self, before: Timestamp, keep: u64) -> Result<usize, StoreError> {
        let sql = "DELETE FROM event WHERE number IN (
                       SELECT number FROM event
                       WHERE (at < ?1 OR number <= (SELECT max(number) - ?2 FROM event))
                       AND number < (SELECT max(number) FROM event)
                       ORDER BY number LIMIT ?3)";
        let keep = i64::try_from(keep).unwrap_or(i64::MAX);
        Ok(self.savepoint.execute(sql, params![to_ms(before), keep, EVENTS_IN_A_BITE])?)
    }
}

/// Each has up to 2000 lines.
const RUNS_IN_A_BITE: i64 = 20;
/// Some 100 KiB.
const EVENTS_IN_A_BITE: i64 = 500;
