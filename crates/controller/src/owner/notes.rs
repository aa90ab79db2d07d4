//! What the tasks of runs tell the owner.

use std::time::Duration;

use crate::action::{Outcome, Refusal};
use crate::clock::Monotonic;
use crate::owner::Owner;
use crate::owner::task::{Note, Ticket};
use crate::run::RunState;
use crate::store::StoreError;

impl Owner {
    pub(super) fn take_note(&mut self, note: Note) {
        match note {
            Note::Numbered(ticket, number) => {
                let Some(run) = self.runs.iter_mut().find(|run| run.ticket == ticket) else { return };
                run.run = Some(number);
                for asked in run.asked.drain(..) {
                    let _ = asked.send(Ok(Outcome::Run(number)));
                }
            }
            Note::Admitted(ticket) => {
                if let Some(run) = self.runs.iter_mut().find(|run| run.ticket == ticket) {
                    run.claim.is_admitted = true;
                }
            }
            Note::NotWritten(ticket, why) => self.put_off(ticket, why),
            Note::Ended(ticket, state, at) => {
                let Some(run) = self.remove(ticket) else { return };
                if state == RunState::Done {
                    self.state_of(&run.claim.subject).last_success_at = Some(at);
                }
            }
            Note::PauseNotWritten { ticket, subject } => {
                if let Some(entry) = self.entries.iter_mut().find(|entry| entry.subject.name == subject) {
                    entry.take_back_pause(ticket);
                }
            }
        }
    }

    /// A run that could not be written down has not begun. Its due time stays: it is tried again a little later.
    fn put_off(&mut self, ticket: Ticket, why: StoreError) {
        let Some(run) = self.remove(ticket) else { return };
        tracing::error!(subject = run.claim.subject, error = %why, "a run is put off, because it cannot be written down");
        let not_before: Monotonic = self.clock.monotonic() + PAUSE_AFTER_A_FAILED_WRITE;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.subject.name == run.claim.subject) {
            entry.put_off(run.due, not_before);
        }
        if let Some(asked) = run.asked.into_iter().next() {
            let _ = asked.send(Err(Refusal::Store(why)));
        }
    }
}

/// A minute: a full disk is not made free sooner.
const PAUSE_AFTER_A_FAILED_WRITE: Duration = Duration::from_secs(60);
