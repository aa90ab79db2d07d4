//! The SQL of findings: what holds, so that a restart neither raises it again nor forgets to clear it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::event::{EventKind, NewEvent, Severity};
use crate::finding::{Finding, FindingKind};
use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

impl Tx<'_> {
    /// A condition holds, or another one of the same kind than before.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn raise(&mut self, at: Timestamp, finding: &Finding) -> Result<(), StoreError> {
        let Finding { kind, subject, severity, since, text } = finding;
        let sql = "INSERT OR REPLACE INTO finding (kind, subject, severity, since, text) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.savepoint.execute(sql, params![kind.name(), subject, severity.name(), to_ms(*since), text])?;
        self.finding_event(at, EventKind::FindingRaised, finding, *severity, text.clone())
    }

    /// A condition holds no more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn clear(&mut self, at: Timestamp, finding: &Finding) -> Result<(), StoreError> {
        self.delete_finding(finding)?;
        let text = format!("no more: {}", finding.text);
        self.finding_event(at, EventKind::FindingCleared, finding, Severity::Info, text)
    }

    /// The same for one that may hold still, and that nobody looks after any more.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn clear_because(&mut self, at: Timestamp, finding: &Finding, why: &str) -> Result<(), StoreError> {
        self.delete_finding(finding)?;
        let text = format!("{why}: {}", finding.text);
        self.finding_event(at, EventKind::FindingCleared, finding, Severity::Info, text)
    }

    /// Remembers when a subject was first known: before that, no success of it was missed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn first_seen(&mut self, at: Timestamp, subject: &str) -> Result<(), StoreError> {
        self.ensure_schedule(subject)?;
        let sql = "UPDATE schedule SET first_seen_at = ?2 WHERE subject = ?1 AND first_seen_at IS NULL";
        self.savepoint.execute(sql, params![subject, to_ms(at)])?;
        Ok(())
    }

    fn delete_finding(&mut self, finding: &Finding) -> Result<(), StoreError> {
        let sql = "DELETE FROM finding WHERE kind = ?1 AND subject = ?2";
        self.savepoint.execute(sql, params![finding.kind.name(), finding.subject])?;
        Ok(())
    }

    fn finding_event(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        finding: &Finding,
        severity: Severity,
        text: String,
    ) -> Result<(), StoreError> {
        self.event(at, NewEvent { kind, severity, subject: finding.subject.clone(), run: None, text })
    }
}

impl Reader {
    /// What held when it was last written down. One of a kind that only a newer version knows is left out.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn findings(&self) -> Result<Vec<Finding>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT kind, subject, severity, since, text FROM finding")?;
            let rows = statement.query_map([], from_row)?.collect::<Result<Vec<_>, _>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }

    /// When each subject was first known.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn first_seen(&self) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT subject, first_seen_at FROM schedule WHERE first_seen_at IS NOT NULL";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, from_ms(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<Finding>> {
    let (kind, severity): (String, String) = (row.get(0)?, row.get(2)?);
    let Some(kind) = FindingKind::from_name(&kind) else { return Ok(None) };
    let severity = Severity::from_name(&severity).unwrap_or(Severity::Critical);
    Ok(Some(Finding { kind, subject: row.get(1)?, severity, since: from_ms(row.get(3)?), text: row.get(4)? }))
}
