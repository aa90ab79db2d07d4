mod gate;
mod restart;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Activity, Owner, OwnerHandle};
use crate::action::{Action, Outcome, Refusal};
use crate::actor::Actor;
use crate::clock::{Clock, VirtualClock};
use crate::event::{Event, EventKind};
use crate::gate::{Gate, Open};
use crate::plan::{Plan, Subject};
use crate::run::{Run, RunContext, RunEnd, RunId, RunState, Runner};
use crate::schedule::{Interval, Rule, Schedule};
use crate::store::{RunFilter, Store};

/// Runs what a script says, by the subject's name.
#[derive(Default)]
struct Script {
    begun: Mutex<Vec<String>>,
}

impl Runner for Script {
    fn run(&self, context: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        self.begun.lock().unwrap().push(context.subject.clone());
        Box::pin(async move {
            match context.subject.as_str() {
                "panics" => panic!("out of cheese"),
                "waits" | "waits-too" => {
                    context.stop.cancelled().await;
                    RunEnd::new(RunState::Stopped, "it was stopped")
                }
                _ => RunEnd::new(RunState::Done, ""),
            }
        })
    }

    fn reconcile(&self, run: Run, stop: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
        Box::pin(async move {
            if run.subject == "waits" {
                stop.cancelled().await;
            }
            RunEnd::new(RunState::Stopped, format!("{} was open", run.subject))
        })
    }
}

struct Fixture {
    clock: VirtualClock,
    store: Store,
    script: Arc<Script>,
    owner: OwnerHandle,
    feed: broadcast::Receiver<Arc<Event>>,
    stop: CancellationToken,
    working: JoinHandle<()>,
    plan: watch::Sender<Arc<Plan>>,
    _folder: tempfile::TempDir,
}

const HOUR: Duration = Duration::from_secs(3600);

fn subject(name: &str, every: Option<Duration>) -> Subject {
    let rule = |every| Rule::Every(Interval::new(every).unwrap());
    let schedule = every.map(|every| Schedule::new(rule(every), TimeZone::UTC));
    Subject {
        name: name.into(),
        digest: "ab".into(),
        schedule,
        may_freeze: name.starts_with("waits"),
        alarm_after: None,
    }
}

impl Fixture {
    async fn new(subjects: impl IntoIterator<Item = Subject>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self::with(store, folder, subjects).await
    }

    async fn with(store: Store, folder: tempfile::TempDir, subjects: impl IntoIterator<Item = Subject>) -> Self {
        Self::with_gate(store, folder, Arc::new(Open), subjects).await
    }

    async fn with_gate(
        store: Store,
        folder: tempfile::TempDir,
        gate: Arc<dyn Gate>,
        subjects: impl IntoIterator<Item = Subject>,
    ) -> Self {
        let clock = VirtualClock::new("2026-11-26T10:00:00Z".parse().unwrap());
        let script = Arc::new(Script::default());
        let (plan, plans) = watch::channel(Arc::new(Plan { subjects: subjects.into_iter().collect() }));
        let feed = store.follow();
        let runner = Arc::clone(&script) as Arc<dyn Runner>;
        let (owner, handle) = Owner::new(Arc::new(clock.clone()), store.clone(), runner, gate, plans).await.unwrap();
        let stop = CancellationToken::new();
        let working = tokio::spawn(owner.work(stop.clone()));
        Self { clock, store, script, owner: handle, feed, stop, working, plan, _folder: folder }
    }

    async fn next_event(&mut self) -> (EventKind, String) {
        let event = tokio::time::timeout(Duration::from_secs(30), self.feed.recv()).await.unwrap().unwrap();
        (event.kind, event.text.clone())
    }

    async fn ask(&self, action: Action) -> Result<Outcome, Refusal> {
        self.owner.actions.ask(action, Actor::Controller).await
    }

    async fn run_now(&self, subject: &str) -> RunId {
        match self.ask(Action::RunNow { subject: subject.into() }).await.unwrap() {
            Outcome::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    async fn ended(&mut self, run: RunId) -> RunState {
        loop {
            let state = self.store.reader().run(run).await.unwrap().state;
            if state.is_end() {
                return state;
            }
            self.next_event().await;
        }
    }
}

#[tokio::test]
async fn what_is_due_is_run_and_written_down_with_its_reason() {
    let mut fixture = Fixture::new([subject("quick", Some(HOUR))]).await;
    fixture.clock.run_for(HOUR - Duration::from_secs(1)).await;
    assert_eq!(*fixture.script.begun.lock().unwrap(), [""; 0]);
    fixture.clock.run_for(Duration::from_secs(1)).await;
    let kinds = [EventKind::RunQueued, EventKind::RunStarted, EventKind::RunEnded];
    let (kind, text) = fixture.next_event().await;
    assert_eq!((kind, text.as_str()), (kinds[0], "queued: due at 2026-11-26T11:00:00Z"));
    for kind in &kinds[1..] {
        assert_eq!(fixture.next_event().await.0, *kind);
    }
    let run = fixture.store.reader().run(RunId(1)).await.unwrap();
    assert_eq!((run.subject.as_str(), run.state), ("quick", RunState::Done));
    assert_eq!(
        fixture.store.reader().schedules().await.unwrap()["quick"].last_due_at,
        Some("2026-11-26T11:00:00Z".parse().unwrap())
    );
}

#[tokio::test]
async fn a_due_time_that_comes_while_the_run_before_it_goes_on_is_skipped_with_that_reason() {
    let mut fixture = Fixture::new([subject("waits", Some(HOUR))]).await;
    fixture.clock.run_for(HOUR).await;
    assert_eq!(
        (fixture.next_event().await.0, fixture.next_event().await.0),
        (EventKind::RunQueued, EventKind::RunStarted)
    );
    fixture.clock.run_for(HOUR).await;
    let (kind, text) = fixture.next_event().await;
    assert_eq!(kind, EventKind::RunSkipped);
    assert!(text.ends_with("the run before it has not ended"), "{text}");
    assert_eq!(fixture.script.begun.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn only_one_run_may_freeze_and_the_other_begins_when_it_has_ended() {
    let mut fixture = Fixture::new([subject("waits", None), subject("waits-too", None), subject("quick", None)]).await;
    let first = fixture.run_now("waits").await;
    let second = fixture.run_now("waits-too").await;
    let third = fixture.run_now("quick").await;
    assert_eq!(fixture.ended(third).await, RunState::Done);
    assert_eq!(fixture.store.reader().run(second).await.unwrap().state, RunState::Queued);
    assert_eq!(fixture.run_now("waits-too").await, second, "whoever asks while one waits gets that one");
    let status = fixture.owner.status.get();
    assert_eq!(status.subjects[1].activity, Activity::Waiting { run: Some(second) });
    fixture.ask(Action::Stop { run: first }).await.unwrap();
    assert_eq!(fixture.ended(first).await, RunState::Stopped);
    fixture.ask(Action::Stop { run: second }).await.unwrap();
    assert_eq!(fixture.ended(second).await, RunState::Stopped);
    // The owner hears of it a moment after it is written down.
    while fixture.owner.status.get().subjects[1].activity != Activity::Idle {
        tokio::task::yield_now().await;
    }
    assert!(matches!(fixture.ask(Action::Stop { run: second }).await, Err(Refusal::NotOpen(_))));
}

#[tokio::test]
async fn a_run_that_panics_has_failed_and_the_next_one_begins() {
    let mut fixture = Fixture::new([subject("panics", None)]).await;
    for _ in 0..2 {
        let run = fixture.run_now("panics").await;
        assert_eq!(fixture.ended(run).await, RunState::Failed);
        let reason = fixture.store.reader().run(run).await.unwrap().end_reason;
        assert!(reason.contains("out of cheese"), "{reason}");
    }
}

#[tokio::test]
async fn a_paused_schedule_runs_nothing_and_survives_a_restart_so() {
    let mut fixture = Fixture::new([subject("quick", Some(HOUR))]).await;
    assert_eq!(fixture.ask(Action::Pause { subject: "quick".into() }).await.unwrap(), Outcome::Done);
    assert_eq!(fixture.ask(Action::Pause { subject: "quick".into() }).await.unwrap(), Outcome::AlreadySo);
    assert_eq!(fixture.next_event().await.0, EventKind::Paused);
    fixture.clock.run_for(10 * HOUR).await;
    assert!(fixture.store.reader().schedules().await.unwrap()["quick"].is_paused);
    assert_eq!(fixture.ask(Action::Resume { subject: "quick".into() }).await.unwrap(), Outcome::Done);
    assert_eq!(fixture.next_event().await.0, EventKind::Resumed);
    fixture.clock.run_for(HOUR).await;
    while fixture.next_event().await.0 != EventKind::RunEnded {}
    assert_eq!(fixture.script.begun.lock().unwrap().len(), 1, "those that passed meanwhile are not made up for");
    assert!(matches!(fixture.ask(Action::Pause { subject: "x".into() }).await, Err(Refusal::NoSubject(_))));
}

#[tokio::test]
async fn while_the_store_is_parked_the_owner_answers_and_stops_runs_and_new_ones_wait() {
    let mut fixture = Fixture::new([subject("waits", None), subject("quick", Some(HOUR))]).await;
    let running = fixture.run_now("waits").await;
    while fixture.next_event().await.0 != EventKind::RunStarted {}
    let parked = fixture.store.park();
    fixture.clock.run_for(HOUR).await;
    assert!(fixture.owner.answers_within(Duration::from_secs(30)).await);
    fixture.ask(Action::Stop { run: running }).await.unwrap();
    fixture.clock.run_for(HOUR / 60).await;
    assert_eq!(fixture.script.begun.lock().unwrap().as_slice(), ["waits"]);
    let activity = fixture.owner.status.get().subjects[0].activity;
    assert!(matches!(activity, Activity::Running { .. }), "its end is not written down: {activity:?}");
    drop(parked);
    let mut kinds = vec![fixture.next_event().await.0, fixture.next_event().await.0];
    while kinds.iter().filter(|kind| **kind == EventKind::RunEnded).count() < 2 {
        kinds.push(fixture.next_event().await.0);
    }
    assert_eq!(fixture.store.reader().run(running).await.unwrap().state, RunState::Stopped);
}

#[tokio::test]
async fn an_orderly_end_stops_what_runs_and_what_waits_and_writes_both_down() {
    let fixture = Fixture::new([subject("waits", None), subject("waits-too", None)]).await;
    fixture.run_now("waits").await;
    fixture.run_now("waits-too").await;
    fixture.stop.cancel();
    fixture.working.await.unwrap();
    let runs = fixture.store.reader().runs(RunFilter::default(), None, 10).await.unwrap().items;
    assert!(runs.len() == 2 && runs.iter().all(|run| run.state == RunState::Stopped), "{runs:?}");
    let late = fixture.owner.actions.ask(Action::RunNow { subject: "waits".into() }, Actor::Controller).await;
    assert!(matches!(late, Err(Refusal::Ending)));
}

#[tokio::test]
async fn a_subject_that_a_plan_has_again_goes_on_where_it_was() {
    let fixture = Fixture::new([subject("quick", Some(HOUR)), subject("waits", None)]).await;
    assert_eq!(fixture.ask(Action::Pause { subject: "quick".into() }).await.unwrap(), Outcome::Done);
    let run = fixture.run_now("waits").await;
    fixture.plan.send_replace(Arc::default());
    while !fixture.owner.status.get().subjects.is_empty() {
        tokio::task::yield_now().await;
    }
    // Parked, nothing that the owner does may need the store.
    let parked = fixture.store.park();
    fixture.plan.send_replace(Arc::new(Plan { subjects: vec![subject("waits", None), subject("quick", Some(HOUR))] }));
    while fixture.owner.status.get().subjects.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(parked);
    let status = fixture.owner.status.get();
    assert!(status.subjects[1].is_paused, "{status:?}");
    assert!(status.subjects[0].last_start.is_some(), "{status:?}");
    fixture.ask(Action::Stop { run }).await.unwrap();
}

#[tokio::test]
async fn before_the_end_of_a_run_that_was_stopped_stands_who_asked_for_it() {
    let mut fixture = Fixture::new([subject("waits", None)]).await;
    let run = fixture.run_now("waits").await;
    while fixture.next_event().await.0 != EventKind::RunStarted {}
    fixture.owner.actions.ask(Action::Stop { run }, Actor::Peer { uid: 7, pid: Some(42) }).await.unwrap();
    assert_eq!(fixture.next_event().await, (EventKind::RunStopping, "asked to stop by user 7 (process 42)".into()));
    assert_eq!(fixture.next_event().await.0, EventKind::RunEnded);
}
