//! Runs at the gate: when they wait, what the gate is told of them, and how long each keeps its pass.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::{Action, Activity, Actor, Duration, Fixture, HOUR, Outcome, RunState, Store, subject};
use crate::gate::{Entering, Gate, Pass};
use crate::run::RunId;

/// A gate that the test opens, and that counts who is where. The subject `waits-too` is let in at once.
#[derive(Debug, Default)]
struct Turnstile {
    is_open: watch::Sender<bool>,
    asked: Mutex<Vec<Entering>>,
    resumed: Mutex<Vec<String>>,
    /// Who waits for a pass.
    waiting: Count,
    /// Who has one.
    inside: Count,
}

type Count = Arc<watch::Sender<usize>>;

/// Counts until it is dropped.
struct Counted(Count);

impl Counted {
    fn new(count: &Count) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Gate for Turnstile {
    fn enter(&self, run: Entering) -> Pin<Box<dyn Future<Output = Pass> + Send>> {
        let is_let_in = run.subject == "waits-too";
        self.asked.lock().unwrap().push(run);
        let (mut is_open, inside) = (self.is_open.subscribe(), Arc::clone(&self.inside));
        let waiting = Counted::new(&self.waiting);
        Box::pin(async move {
            is_open.wait_for(|is_open| *is_open || is_let_in).await.unwrap();
            drop(waiting);
            Box::new(Counted::new(&inside)) as Pass
        })
    }

    fn resume(&self, subject: &str) -> Pass {
        self.resumed.lock().unwrap().push(subject.to_owned());
        Box::new(Counted::new(&self.inside))
    }
}

async fn at_a_closed_gate(subjects: &[&str]) -> (Fixture, Arc<Turnstile>) {
    let folder = tempfile::tempdir().unwrap();
    let gate = Arc::new(Turnstile::default());
    let subjects = subjects.iter().map(|name| subject(name, Some(HOUR)));
    let store = Store::open(folder.path()).unwrap();
    (Fixture::with_gate(store, folder, gate.clone(), subjects).await, gate)
}

async fn until(count: &Count, wanted: usize) {
    let mut seen = count.subscribe();
    let reached = seen.wait_for(|count| *count == wanted);
    tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap().unwrap();
}

impl Fixture {
    async fn stop_run(&mut self, run: RunId) {
        self.ask(Action::Stop { run }).await.unwrap();
        assert_eq!(self.ended(run).await, RunState::Stopped);
    }

    /// Waits until just these have begun, in this order.
    async fn until_begun(&self, subjects: &[&str]) {
        let begin = async {
            while self.begun() != subjects {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), begin).await.unwrap_or_else(|_| panic!("{:?}", self.begun()));
    }

    fn begun(&self) -> Vec<String> {
        self.script.begun.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_run_begins_only_when_the_gate_lets_it_in_and_holds_up_no_other_before() {
    let (mut fixture, gate) = at_a_closed_gate(&["waits", "waits-too"]).await;
    let first = fixture.run_now("waits").await;
    until(&gate.waiting, 1).await;
    // Both may freeze, which one run at a time does. The one at the gate does not have its turn yet.
    let second = fixture.run_now("waits-too").await;
    fixture.until_begun(&["waits-too"]).await;
    fixture.stop_run(second).await;
    fixture.clock.run_for(HOUR / 2).await;
    assert_eq!(fixture.owner.status.get().subjects[0].activity, Activity::Waiting { run: Some(first) });
    assert_eq!(fixture.begun(), ["waits-too"]);
    gate.is_open.send_replace(true);
    fixture.until_begun(&["waits-too", "waits"]).await;
    assert_eq!((*gate.waiting.borrow(), *gate.inside.borrow()), (0, 1));
    fixture.stop_run(first).await;
}

#[tokio::test]
async fn a_run_that_is_stopped_at_the_gate_ends_and_leaves_it() {
    let (mut fixture, gate) = at_a_closed_gate(&["quick"]).await;
    let run = fixture.run_now("quick").await;
    until(&gate.waiting, 1).await;
    fixture.stop_run(run).await;
    until(&gate.waiting, 0).await;
    let reason = fixture.store.reader().run(run).await.unwrap().end_reason;
    assert_eq!((reason.as_str(), *gate.inside.borrow()), ("it was stopped before it began", 0));
    assert_eq!(fixture.begun(), [""; 0]);
}

#[tokio::test]
async fn what_is_at_the_gate_when_the_controller_ends_gets_an_end() {
    let (fixture, gate) = at_a_closed_gate(&["quick"]).await;
    let run = fixture.run_now("quick").await;
    until(&gate.waiting, 1).await;
    fixture.stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), fixture.working).await.unwrap().unwrap();
    let run = fixture.store.reader().run(run).await.unwrap();
    assert_eq!((run.state, *gate.waiting.borrow()), (RunState::Stopped, 0));
}

#[tokio::test]
async fn the_gate_is_told_what_is_to_run_and_whether_a_person_asks() {
    let person = Actor::Peer { uid: 7, pid: None };
    let signer = Actor::Signer { name: "alice".into(), what: "order 1".into() };
    let fleet = Actor::Fleet { what: "the wish of ring 2".into() };
    for (actor, by_person) in [(person, true), (signer, true), (fleet, false), (Actor::Controller, false)] {
        let (fixture, gate) = at_a_closed_gate(&["quick"]).await;
        let asked = fixture.owner.actions.ask(Action::RunNow { subject: "quick".into() }, actor.clone()).await;
        assert!(matches!(asked, Ok(Outcome::Run(_))), "{asked:?}");
        until(&gate.waiting, 1).await;
        let expected = Entering { subject: "quick".into(), by_person };
        assert_eq!(*gate.asked.lock().unwrap(), [expected], "{actor}");
    }
    let (fixture, gate) = at_a_closed_gate(&["quick"]).await;
    fixture.clock.run_for(HOUR).await;
    until(&gate.waiting, 1).await;
    assert!(!gate.asked.lock().unwrap()[0].by_person, "its schedule is no person");
}

#[tokio::test]
async fn a_pass_is_given_back_after_each_end_of_a_run() {
    for (subject, end) in [("quick", RunState::Done), ("panics", RunState::Failed), ("waits", RunState::Stopped)] {
        let (mut fixture, gate) = at_a_closed_gate(&[subject]).await;
        gate.is_open.send_replace(true);
        let run = fixture.run_now(subject).await;
        if end == RunState::Stopped {
            fixture.until_begun(&[subject]).await;
            assert_eq!(*gate.inside.borrow(), 1);
            fixture.stop_run(run).await;
        }
        assert_eq!(fixture.ended(run).await, end);
        until(&gate.inside, 0).await;
        assert_eq!(gate.asked.lock().unwrap().len(), 1, "{subject} was at the gate");
    }
}

#[tokio::test]
async fn a_pass_is_kept_until_the_end_of_the_run_is_written_down() {
    let (fixture, gate) = at_a_closed_gate(&["waits"]).await;
    gate.is_open.send_replace(true);
    let run = fixture.run_now("waits").await;
    fixture.until_begun(&["waits"]).await;
    let parked = fixture.store.park();
    fixture.ask(Action::Stop { run }).await.unwrap();
    fixture.clock.run_for(HOUR / 60).await;
    assert_eq!(*gate.inside.borrow(), 1);
    drop(parked);
    until(&gate.inside, 0).await;
    assert_eq!(fixture.store.reader().run(run).await.unwrap().state, RunState::Stopped);
}

#[tokio::test]
async fn a_run_that_an_earlier_controller_left_open_is_counted_until_its_end_and_waits_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let then = "2026-11-26T07:30:00Z".parse().unwrap();
    let run = store.writer().write(move |tx| {
        let run = tx.queue_run(then, "waits", "ab", "it was due")?;
        tx.begin_run(then, run)?;
        Ok(run)
    });
    let run = run.await.unwrap();
    let gate = Arc::new(Turnstile::default());
    let mut fixture = Fixture::with_gate(store, folder, gate.clone(), [subject("waits", None)]).await;
    until(&gate.inside, 1).await;
    assert_eq!(*gate.resumed.lock().unwrap(), ["waits"]);
    fixture.stop_run(run).await;
    until(&gate.inside, 0).await;
    assert!(gate.asked.lock().unwrap().is_empty());
}
