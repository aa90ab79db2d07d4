//! The SQL of runs and of their log lines.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::event::{EventKind, NewEvent, Severity};
use crate::run::{LineLevel, LogLine, Run, RunEnd, RunId, RunState, RunStep};
use crate::store::{Reader, StoreError, Tx, from_ms, to_ms};

/// Which runs are listed, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this subject.
    pub subject: Option<String>,
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Only those that have not ended.
    pub is_open: bool,
}

/// One page of a list, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// The key after which the next page begins; none on the last page.
    pub next: Option<i64>,
}

impl<T> Page<T> {
    /// Of a question for one item more than the page may hold, which tells whether there is a next one.
    pub(crate) fn of(mut items: Vec<T>, limit: u32, key: impl Fn(&T) -> i64) -> Self {
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| has_more).map(key);
        Self { items, next }
    }
}

impl Tx<'_> {
    /// A run that waits for its permit.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn queue_run(&mut self, at: Timestamp, subject: &str, digest: &str, reason: &str) -> Result<RunId, StoreError> {
        let sql = "INSERT INTO run (subject, digest, reason, state, queued_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let state = RunState::Queued.name();
        self.savepoint.prepare_cached(sql)?.execute(params![subject, digest, reason, state, to_ms(at)])?;
        let run = RunId(self.savepoint.last_insert_rowid());
        self.run_event(at, EventKind::RunQueued, Severity::Info, subject, run, format!("queued: {reason}"))?;
        Ok(run)
    }

    /// A run begins.
    ///
    /// # Errors
    ///
    /// [`StoreError::Impossible`], [`StoreError::NotFound`], [`StoreError::Sqlite`].
    pub fn begin_run(&mut self, at: Timestamp, run: RunId) -> Result<(), StoreError> {
        let subject = self.step(run, RunStep::Begin)?;
        self.savepoint.execute("UPDATE run SET started_at = ?2 WHERE id = ?1", params![run.0, to_ms(at)])?;
        self.has_started(&subject, at)?;
        self.run_event(at, EventKind::RunStarted, Severity::Info, &subject, run, "started".into())
    }

    /// What the agent's latest backup was before this run may start one: read after a crash, to tell whether it did.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn set_job_before(&mut self, run: RunId, job: &str) -> Result<(), StoreError> {
        self.savepoint.execute("UPDATE run SET job_before = ?2 WHERE id = ?1", params![run.0, job])?;
        Ok(())
    }

    /// A run has ended.
    ///
    /// # Errors
    ///
    /// As [`begin_run`](Self::begin_run).
    pub fn end_run(&mut self, at: Timestamp, run: RunId, end: &RunEnd) -> Result<(), StoreError> {
        let subject = self.step(run, RunStep::End(end.state))?;
        let sql = "UPDATE run SET ended_at = ?2, end_reason = ?3, result = ?4, job_id = ?5, consistency = ?6, frozen_ms = ?7 \
                   WHERE id = ?1";
        let RunEnd { state, reason, result, job_id, consistency, frozen_ms } = end;
        let values = params![run.0, to_ms(at), reason, result, job_id, consistency, frozen_ms];
        self.savepoint.prepare_cached(sql)?.execute(values)?;
        self.withdraw_approvals_of(at, run)?;
        let severity = match state {
            RunState::Done => Severity::Info,
            _ => Severity::Warning,
        };
        if *state == RunState::Done {
            self.has_succeeded(&subject, at)?;
        }
        let text = if reason.is_empty() { state.to_string() } else { format!("{state}: {reason}") };
        self.run_event(at, EventKind::RunEnded, severity, &subject, run, text)
    }

    /// Keeps a log line of a run.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sqlite`].
    pub fn add_line(&mut self, run: RunId, line: &LogLine) -> Result<(), StoreError> {
        let LogLine { number, at, level, text } = line;
        let sql = "INSERT OR IGNORE INTO run_line (run, number, at, level, text) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.savepoint.prepare_cached(sql)?.execute(params![run.0, number, to_ms(*at), rank(*level), text])?;
        Ok(())
    }

    /// Takes a step, and returns the subject.
    pub(super) fn step(&mut self, run: RunId, step: RunStep) -> Result<String, StoreError> {
        let mut statement = self.savepoint.prepare_cached("SELECT subject, state FROM run WHERE id = ?1")?;
        let found = statement.query_row([run.0], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        let (subject, state) = found.optional()?.ok_or_else(|| StoreError::NotFound(format!("run {run}")))?;
        let state = RunState::from_name(&state).unwrap_or(RunState::Unknown).after(step)?;
        drop(statement);
        self.savepoint.execute("UPDATE run SET state = ?2 WHERE id = ?1", params![run.0, state.name()])?;
        Ok(subject)
    }

    fn run_event(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        severity: Severity,
        subject: &str,
        run: RunId,
        text: String,
    ) -> Result<(), StoreError> {
        self.event(at, NewEvent { kind, severity, subject: subject.into(), run: Some(run), text })
    }
}

impl Reader {
    /// One run.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], and as [`Reader::read`].
    pub async fn run(&self, id: RunId) -> Result<Run, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?1");
            let found = connection.query_row(&sql, [id.0], from_row).optional()?;
            found.ok_or_else(|| StoreError::NotFound(format!("run {id}")))
        })
        .await
    }

    /// Runs, the newest first: those before this number.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn runs(&self, filter: RunFilter, before: Option<i64>, limit: u32) -> Result<Page<Run>, StoreError> {
        self.read(move |connection| runs(connection, &filter, before.unwrap_or(i64::MAX), limit)).await
    }

    /// The log lines of a run after this number which matter this much or more, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn lines(
        &self,
        run: RunId,
        least: LineLevel,
        after: i64,
        limit: u32,
    ) -> Result<Vec<LogLine>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT number, at, level, text FROM run_line \
                       WHERE run = ?1 AND number > ?2 AND level >= ?3 ORDER BY number LIMIT ?4";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![run.0, after, rank(least), limit], line_from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn runs(connection: &Connection, filter: &RunFilter, before: i64, limit: u32) -> Result<Page<Run>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM run WHERE id < ?1 AND (?2 IS NULL OR subject = ?2) AND (?3 IS NULL OR state = ?3) \
         AND (NOT ?4 OR ended_at IS NULL) ORDER BY id DESC LIMIT ?5"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let state = filter.state.map(RunState::name);
    let values = params![before, filter.subject, state, filter.is_open, i64::from(limit) + 1];
    let items = statement.query_map(values, from_row)?.collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(items, limit, |run| run.id.0))
}

fn line_from_row(row: &Row<'_>) -> rusqlite::Result<LogLine> {
    let rank = usize::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
    // What only a newer version knows matters at least as much as what this one does.
    let level = LineLevel::ALL.get(rank).copied().unwrap_or(LineLevel::Error);
    Ok(LogLine { number: row.get(0)?, at: from_ms(row.get(1)?), level, text: row.get(3)? })
}

/// As it is in the store: its place among all levels, so that it can be compared.
fn rank(level: LineLevel) -> i64 {
    level as i64
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Run> {
    let state: String = row.get(4)?;
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(from_ms));
    Ok(Run {
        id: RunId(row.get(0)?),
        subject: row.get(1)?,
        digest: row.get(2)?,
        reason: row.get(3)?,
        // What only a newer version knows, nobody here can say.
        state: RunState::from_name(&state).unwrap_or(RunState::Unknown),
        queued_at: from_ms(row.get(5)?),
        started_at: time(6)?,
        ended_at: time(7)?,
        end_reason: row.get(8)?,
        result: row.get(9)?,
        job_before: row.get(10)?,
        job_id: row.get(11)?,
        consistency: row.get(12)?,
        frozen_ms: row.get(13)?,
    })
}

const COLUMNS: &str = "id, subject, digest, reason, state, queued_at, started_at, ended_at, end_reason, result, job_before, \
                       job_id, consistency, frozen_ms";
