//! The SQL of notices: who was told of which finding, so that a restart tells nobody twice.

use jiff::Timestamp;
use rusqlite::{Row, params};

use crate::event::Severity;
use crate::finding::{Finding, FindingKind};
use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

/// Somebody was told of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The receiver's name.
    pub receiver: String,
    /// The finding as it was told.
    pub finding: Finding,
    /// When.
    pub at: Timestamp,
}

impl Tx<'_> {
    /// Somebody was told that a finding holds.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn told(&mut self, told: &Told) -> Result<(), StoreError> {
        let Told { receiver, finding: Finding { kind, subject, severity, since, text }, at } = told;
        let sql = "INSERT OR REPLACE INTO notice (receiver, kind, subject, severity, since, text, told_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (kind, severity, since) = (kind.name(), severity.name(), to_ms(*since));
        self.savepoint.execute(sql, params![receiver, kind, subject, severity, since, text, to_ms(*at)])?;
        Ok(())
    }

    /// There is nothing more to tell them of it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn forget_told(&mut self, receiver: &str, kind: FindingKind, subject: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM notice WHERE receiver = ?1 AND kind = ?2 AND subject = ?3";
        self.savepoint.execute(sql, params![receiver, kind.name(), subject])?;
        Ok(())
    }
}

impl Reader {
    /// Who was told of what.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn told(&self) -> Result<Vec<Told>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT receiver, kind, subject, severity, since, text, told_at FROM notice";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], from_row)?.collect::<Result<Vec<_>, _>>()?;
            Ok(rows.into_iter().flatten().collect())
        })
        .await
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Option<Told>> {
    let (kind, severity): (String, String) = (row.get(1)?, row.get(3)?);
    let Some(kind) = FindingKind::from_name(&kind) else { return Ok(None) };
    let severity = Severity::from_name(&severity).unwrap_or(Severity::Critical);
    let finding = Finding { kind, subject: row.get(2)?, severity, since: from_ms(row.get(4)?), text: row.get(5)? };
    Ok(Some(Told { receiver: row.get(0)?, finding, at: from_ms(row.get(6)?) }))
}
