//! The owner's answers to what was asked.

use tokio::sync::oneshot;

use crate::action::{Action, Outcome, Refusal, Request};
use crate::actor::Actor;
use crate::event::{EventKind, NewEvent, Severity};
use crate::owner::{OpenRun, Owner};
use crate::run::RunId;

/// To whom the answer goes.
pub(super) type Reply = oneshot::Sender<Result<Outcome, Refusal>>;

impl Owner {
    pub(super) fn answer(&mut self, Request { action, actor, reply }: Request) {
        match action {
            Action::RunNow { subject } => self.run_now(&subject, actor, reply),
            Action::Stop { run } => drop(reply.send(self.stop(run))),
            Action::Pause { subject } => self.set_paused(subject, true, actor, reply),
            Action::Resume { subject } => self.set_paused(subject, false, actor, reply),
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
            None => self.activate(&subject, format!("asked for by {actor}"), None, Some(reply)),
        }
    }

    fn stop(&self, number: RunId) -> Result<Outcome, Refusal> {
        let run = self.runs.iter().find(|run| run.run == Some(number)).ok_or(Refusal::NotOpen(number))?;
        run.stop.cancel();
        Ok(Outcome::Done)
    }

    fn set_paused(&mut self, subject: String, is_paused: bool, actor: Actor, reply: Reply) {
        let now = self.clock.now();
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.subject.name == subject) else {
            return drop(reply.send(Err(Refusal::NoSubject(subject))));
        };
        if entry.state.is_paused == is_paused {
            return drop(reply.send(Ok(Outcome::AlreadySo)));
        }
        entry.set_paused(is_paused, now);
        let dealt_with = entry.is_dealt_with_to();
        let (kind, text) = match is_paused {
            true => (EventKind::Paused, format!("paused by {actor}")),
            false => (EventKind::Resumed, format!("resumed by {actor}")),
        };
        let writer = self.store.writer().clone();
        self.tasks.spawn(async move {
            let written = writer.write(move |tx| {
                tx.set_paused(&subject, is_paused)?;
                tx.dealt_with(&subject, dealt_with)?;
                tx.event(now, NewEvent { kind, severity: Severity::Info, subject, run: None, text })
            });
            let _ = reply.send(written.await.map(|()| Outcome::Done).map_err(Refusal::Store));
        });
    }
}
