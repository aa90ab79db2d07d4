//! The SQL of approvals. Each step is a comparison and a change in one transaction: of two that decide at once, or use at
//! once, one does.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::approval::{Approval, ApprovalId, ApprovalState, Wipe};
use crate::event::{EventKind, NewEvent, Severity};
use crate::run::{RunId, RunStep};
use crate::store::{Page, Reader, StoreError, Tx, from_ms, to_ms};

/// What ends the waiting for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// [`Approved`](ApprovalState::Approved), [`Refused`](ApprovalState::Refused), [`Expired`](ApprovalState::Expired) or
    /// [`Withdrawn`](ApprovalState::Withdrawn).
    pub state: ApprovalState,
    /// Who decided; empty where nobody has.
    pub by: String,
    /// Why; empty where nobody has said.
    pub reason: String,
}

impl Tx<'_> {
    /// A run asks a person, and waits.
    ///
    /// # Errors
    ///
    /// [`StoreError::Impossible`], [`StoreError::NotFound`], [`StoreError::Sqlite`].
    pub fn ask_for_approval(
        &mut self,
        at: Timestamp,
        expires_at: Timestamp,
        wipe: &Wipe,
    ) -> Result<ApprovalId, StoreError> {
        self.step(wipe.run, RunStep::Ask)?;
        let sql = "INSERT INTO approval (run, subject, extension_sha256, device, durable_id, fstype, size_bytes, role, contents, \
                   nonce, state, asked_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        let Wipe { subject, extension_sha256, run, device, durable_id, fstype, size_bytes, role, contents, nonce } =
            wipe;
        let state = ApprovalState::Waiting.name();
        self.savepoint.execute(
            sql,
            params![
                run.0,
                subject,
                extension_sha256,
                device,
                durable_id,
                fstype,
                size_bytes,
                role,
                contents,
                nonce,
                state,
                to_ms(at),
                to_ms(expires_at)
            ],
        )?;
        let id = ApprovalId(self.savepoint.last_insert_rowid());
        let text = format!("approval {id}: may {device} ({durable_id}) be wiped for {fstype}? It holds: {contents}");
        self.approval_event(at, EventKind::ApprovalRequested, Severity::Warning, wipe, text)?;
        Ok(id)
    }

    /// The waiting ends. A decision that comes too late, or second, changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Decided`] when it waits no more; [`StoreError::NotFound`], [`StoreError::Sqlite`].
    pub fn decide_approval(&mut self, at: Timestamp, id: ApprovalId, decided: &Decided) -> Result<(), StoreError> {
        let found = self.approval(id)?;
        let is_a_persons = matches!(decided.state, ApprovalState::Approved | ApprovalState::Refused);
        let is_late = is_a_persons && at >= found.expires_at;
        if found.state != ApprovalState::Waiting || is_late {
            let state = if is_late { ApprovalState::Expired } else { found.state };
            return Err(StoreError::Decided { id, state });
        }
        let Decided { state, by, reason } = decided;
        let sql = "UPDATE approval SET state = ?2, decided_at = ?3, decided_by = ?4, reason = ?5 WHERE id = ?1";
        self.savepoint.execute(sql, params![id.0, state.name(), to_ms(at), by, reason])?;
        self.step(found.wipe.run, RunStep::Decided)?;
        let by = if by.is_empty() { String::new() } else { format!(" by {by}") };
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let text = format!("approval {id} of {} is {state}{by}{because}", found.wipe.device);
        self.approval_event(at, EventKind::ApprovalDecided, Severity::Info, &found.wipe, text)
    }

    /// An approval is used: from here on it cannot be used again, whatever happens. To be on the disk before anything is
    /// sent.
    ///
    /// # Errors
    ///
    /// [`StoreError::Decided`] when it is not approved, or was used; [`StoreError::NotFound`], [`StoreError::Sqlite`].
    pub fn use_approval(&mut self, at: Timestamp, id: ApprovalId) -> Result<(), StoreError> {
        self.leave_approved(at, id, ApprovalState::Used, "")
    }

    /// What was approved is of no use.
    ///
    /// # Errors
    ///
    /// As [`use_approval`](Self::use_approval).
    pub fn withdraw_approved(&mut self, at: Timestamp, id: ApprovalId, reason: &str) -> Result<(), StoreError> {
        self.leave_approved(at, id, ApprovalState::Withdrawn, reason)
    }

    fn leave_approved(
        &mut self,
        at: Timestamp,
        id: ApprovalId,
        state: ApprovalState,
        reason: &str,
    ) -> Result<(), StoreError> {
        let found = self.approval(id)?;
        if found.state != ApprovalState::Approved {
            return Err(StoreError::Decided { id, state: found.state });
        }
        let sql = "UPDATE approval SET state = ?2, reason = ?3 WHERE id = ?1";
        self.savepoint.execute(sql, params![id.0, state.name(), reason])?;
        let device = &found.wipe.device;
        let (severity, text) = match state {
            ApprovalState::Used => {
                (Severity::Info, format!("approval {id} is used: the agent is told now to wipe {device}"))
            }
            _ => (Severity::Warning, format!("approval {id} of {device} is {state}: {reason}")),
        };
        self.approval_event(at, EventKind::ApprovalDecided, severity, &found.wipe, text)
    }

    /// What a run that has ended has asked for is of no use any more: also after a crash between a decision and its use.
    pub(super) fn withdraw_approvals_of(&mut self, at: Timestamp, run: RunId) -> Result<(), StoreError> {
        let reason = "the run ended";
        let sql = format!("SELECT {COLUMNS} FROM approval WHERE run = ?1 AND state IN ('waiting', 'approved')");
        let open = {
            let mut statement = self.savepoint.prepare_cached(&sql)?;
            statement.query_map([run.0], from_row)?.collect::<Result<Vec<_>, _>>()?
        };
        for Approval { id, wipe, .. } in open {
            let sql = "UPDATE approval SET state = 'withdrawn', decided_at = coalesce(decided_at, ?2), reason = ?3 \
                       WHERE id = ?1";
            self.savepoint.execute(sql, params![id.0, to_ms(at), reason])?;
            let text = format!("approval {id} of {} is withdrawn: {reason}", wipe.device);
            self.approval_event(at, EventKind::ApprovalDecided, Severity::Info, &wipe, text)?;
        }
        Ok(())
    }

    fn approval(&mut self, id: ApprovalId) -> Result<Approval, StoreError> {
        let mut statement = self.savepoint.prepare_cached(&format!("SELECT {COLUMNS} FROM approval WHERE id = ?1"))?;
        let found = statement.query_row([id.0], from_row).optional()?;
        found.ok_or_else(|| not_found(id))
    }

    fn approval_event(
        &mut self,
        at: Timestamp,
        kind: EventKind,
        severity: Severity,
        wipe: &Wipe,
        text: String,
    ) -> Result<(), StoreError> {
        self.event(at, NewEvent { kind, severity, subject: wipe.subject.clone(), run: Some(wipe.run), text })
    }
}

impl Reader {
    /// One request.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], and as [`Reader::read`].
    pub async fn approval(&self, id: ApprovalId) -> Result<Approval, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM approval WHERE id = ?1");
            connection.query_row(&sql, [id.0], from_row).optional()?.ok_or_else(|| not_found(id))
        })
        .await
    }

    /// Whether a run has used an approval: what that allowed may have been done.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn has_used_an_approval(&self, run: RunId) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM approval WHERE run = ?1 AND state = 'used')";
            Ok(connection.query_row(sql, [run.0], |row| row.get(0))?)
        })
        .await
    }

    /// Requests, the newest first: those before this number.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn approvals(&self, before: Option<i64>, limit: u32) -> Result<Page<Approval>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM approval WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let values = params![before.unwrap_or(i64::MAX), i64::from(limit) + 1];
            let items = statement.query_map(values, from_row)?.collect::<Result<Vec<_>, _>>()?;
            Ok(Page::of(items, limit, |approval| approval.id.0))
        })
        .await
    }
}

fn not_found(id: ApprovalId) -> StoreError {
    StoreError::NotFound(format!("approval {id}"))
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Approval> {
    let wipe = Wipe {
        run: RunId(row.get(1)?),
        subject: row.get(2)?,
        extension_sha256: row.get(3)?,
        device: row.get(4)?,
        durable_id: row.get(5)?,
        fstype: row.get(6)?,
        size_bytes: row.get(7)?,
        role: row.get(8)?,
        contents: row.get(9)?,
        nonce: row.get(10)?,
    };
    let state: String = row.get(11)?;
    Ok(Approval {
        id: ApprovalId(row.get(0)?),
        digest: wipe.digest(),
        wipe,
        // What only a newer version knows cannot be decided or used here.
        state: ApprovalState::from_name(&state).unwrap_or(ApprovalState::Withdrawn),
        asked_at: from_ms(row.get(12)?),
        expires_at: from_ms(row.get(13)?),
        decided_at: row.get::<_, Option<i64>>(14)?.map(from_ms),
        decided_by: row.get(15)?,
        reason: row.get(16)?,
    })
}

const COLUMNS: &str = "id, run, subject, extension_sha256, device, durable_id, fstype, size_bytes, role, contents, nonce, state, \
                       asked_at, expires_at, decided_at, decided_by, reason";
