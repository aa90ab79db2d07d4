//! The owner's answers to what was asked.

use tokio::sync::oneshot;

use crate::action::{Action, Outcome, Refusal, Request};
use crate::actor::Actor;
use crate::event::{EventKind, NewEvent, Severity};
use crate::owner::task::{Note, Why};
use crate::owner::{OpenRun, Owner};
use crate::run::RunId;

/// To whom the answer goes.
pub(super) type Reply = oneshot::Sender<Result<Outcome, Refusal>>;

impl Owner {
    pub(super) fn answer(&mut self, Request { action, actor, reply }: Request) {
        match action {
            Action::RunNow { subject } => self.run_now(&subject, actor, reply),
            Action::Stop { run } => drop(reply.send(self.stop(run, actor))),
            Action::Pause { subject } => self.set_paused(subject, true, actor, reply),
            Action::Resume { subject } => self.set_paused(subject, false, actor, reply),
            Action::Wipe(order) => self.wipe(order, actor, reply),
        }
    }

    fn run_now(&mut self, name: &str, actor: Actor, reply: Reply) {
        let Some(subject) = self.plan.borrow().subject(name).cloned() else {
            return drop(reply.send(Err(Refusal::NoSubject(name.into()))));
        };
        // Activations collapse: whoever asks while one waits gets that one.
        let waiting = self.runs.iter_mut().find(|run| run.claim.subject == name && !run.claim.has_permit);
        match waiting {
            Some(OpenRun { run: Some(number), .. }) => drop(reply.send(Ok(Outcome::Run(*number)))),
            Some(open) => open.asked.push(reply),
            None => self.activate(&subject, Why::asked(&actor), Some(reply)),
        }
    }

    fn stop(&self, number: RunId, actor: Actor) -> Result<Outcome, Refusal> {
        let run = self.runs.iter().find(|run| run.run == Some(number)).ok_or(Refusal::NotOpen(number))?;
        let (at, subject) = (self.clock.now(), run.claim.subject.clone());
        // Queued before the run can end, so that it stands before the end. Nobody waits for it: what is frozen is to be thawed.
        self.post(move |tx| {
            let text = format!("asked to stop by {actor}");
            let kind = EventKind::RunStopping;
            tx.event(at, NewEvent { kind, severity: Severity::Info, subject, run: Some(number), text })
        });
        run.stop.cancel();
        Ok(Outcome::Done)
    }

    /// In effect at once, also while nothing can be written down: what would become due until then is not wanted. It is taken
    /// back if it cannot be written down at all.
    fn set_paused(&mut self, subject: String, is_paused: bool, actor: Actor, reply: Reply) {
        let (now, ticket) = (self.clock.now(), self.take_ticket());
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.subject.name == subject) else {
            return drop(reply.send(Err(Refusal::NoSubject(subject))));
        };
        if entry.state.is_paused == is_paused {
            return drop(reply.send(Ok(Outcome::AlreadySo)));
        }
        entry.set_paused(is_paused, ticket, now);
        let dealt_with = entry.is_dealt_with_to();
        let (kind, text) = match is_paused {
            true => (EventKind::Paused, format!("paused by {actor}")),
            false => (EventKind::Resumed, format!("resumed by {actor}")),
        };
        let (name, notes) = (subject.clone(), self.noter.clone());
        let written = self.store.writer().write(move |tx| {
            tx.set_paused(&name, is_paused)?;
            tx.dealt_with(&name, dealt_with)?;
            tx.event(now, NewEvent { kind, severity: Severity::Info, subject: name, run: None, text })
        });
        self.tasks.spawn(async move {
            let outcome = written.await.map(|()| Outcome::Done).map_err(Refusal::Store);
            if outcome.is_err() {
                let _ = notes.send(Note::PauseNotWritten { ticket, subject });
            }
            let _ = reply.send(outcome);
        });
    }
}
