//! What begins: runs that are due or asked for, each in a task of its own, and the permits of those that may begin.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::event::{EventKind, NewEvent, Severity};
use crate::owner::answers::Reply;
use crate::owner::entry::Due;
use crate::owner::permits::{Claim, permitted};
use crate::owner::task::{Activation, RunTask, Why};
use crate::owner::{OpenRun, Owner};
use crate::plan::Subject;

impl Owner {
    pub(super) fn activate_due(&mut self) {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        for place in 0..self.entries.len() {
            let Some(name) = self.entries.get(place).map(|entry| entry.subject.name.clone()) else { break };
            // What passed while no controller was here is made up for after the run that the earlier one left open.
            if self.is_taking_up(&name) {
                continue;
            }
            let Some(entry) = self.entries.get_mut(place) else { break };
            let is_open = self.runs.iter().any(|run| run.claim.subject == name);
            match entry.due(now, monotonic) {
                Due::NotYet => {}
                Due::Skip { due, why } => {
                    entry.deal_with(due);
                    self.skip(name, due, why);
                }
                Due::Run { due, .. } if is_open => {
                    entry.deal_with(due);
                    self.skip(name, due, "the run before it has not ended".into());
                }
                Due::Run { due, why } => {
                    entry.deal_with(due);
                    let subject = entry.subject.clone();
                    self.activate(&subject, Why { reason: why, due: Some(due), by_person: false }, None);
                }
            }
        }
    }

    /// Writes down that a due time passed without a run.
    fn skip(&self, subject: String, due: jiff::Timestamp, why: String) {
        let at = self.clock.now();
        self.post(move |tx| {
            tx.dealt_with(&subject, due)?;
            let text = format!("not run at {due}: {why}");
            tx.event(
                at,
                NewEvent { kind: EventKind::RunSkipped, severity: Severity::Warning, subject, run: None, text },
            )
        });
    }

    pub(super) fn activate(&mut self, subject: &Subject, why: Why, asked: Option<Reply>) {
        let Subject { name, digest, may_freeze, .. } = subject.clone();
        let activation = Activation { subject: name, digest, why, wipe: None };
        self.queue(activation, may_freeze, asked);
    }

    pub(super) fn queue(&mut self, activation: Activation, may_freeze: bool, asked: Option<Reply>) {
        let wipes = activation.wipe.as_ref().map(|wipe| wipe.order.device.clone());
        let subject = activation.subject.clone();
        let claim = Claim { subject, may_freeze, wipes, is_admitted: false, has_permit: false };
        let (task, mut open) = self.open(claim, activation.why.due);
        let (permit, permitted) = oneshot::channel();
        open.permit = Some(permit);
        open.asked.extend(asked);
        self.runs.push(open);
        self.tasks.spawn(task.activate(activation, permitted));
    }

    pub(super) fn open(&mut self, claim: Claim, due: Option<jiff::Timestamp>) -> (RunTask, OpenRun) {
        let ticket = self.take_ticket();
        let stop = CancellationToken::new();
        let task = RunTask {
            ticket,
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            runner: Arc::clone(&self.runner),
            gate: Arc::clone(&self.gate),
            stop: stop.clone(),
            notes: self.noter.clone(),
        };
        let since = self.clock.now();
        let _stops_with_the_owner = stop.clone().drop_guard();
        let (asked, is_taken_up) = (Vec::new(), false);
        (
            task,
            OpenRun {
                ticket,
                run: None,
                claim,
                is_taken_up,
                since,
                permit: None,
                stop,
                _stops_with_the_owner,
                asked,
                due,
            },
        )
    }

    pub(super) fn give_permits(&mut self) {
        let claims: Vec<_> = self.runs.iter().map(|run| run.claim.clone()).collect();
        let now = self.clock.now();
        for place in permitted(&claims) {
            let Some(run) = self.runs.get_mut(place) else { continue };
            run.claim.has_permit = true;
            run.since = now;
            if let Some(permit) = run.permit.take() {
                // A task that has ended meanwhile says so by a note.
                let _ = permit.send(());
            }
            let subject = run.claim.subject.clone();
            self.state_of(&subject).last_start_at = Some(now);
        }
    }
}
