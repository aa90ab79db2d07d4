use std::collections::BTreeSet;

use super::{
    Arc, Audit, AuditEntry, AuditEvent, AuditTarget, Credentials, Error, Identity, Mutex, Operation, Route, Trail,
};
use crate::policy::grants::FS_UUID;
use crate::records::{BackupDue, BackupJob};
use crate::sandbox::code::Wasm;

#[derive(Default)]
struct Collector(Mutex<Vec<AuditEntry>>);

impl Audit for Collector {
    fn record(&self, entry: &AuditEntry) {
        self.0.lock().unwrap().push(entry.clone());
    }
}

impl Collector {
    /// Each entry as its id, operation and what happened.
    fn take(&self) -> Vec<String> {
        let words = |entry: AuditEntry| {
            let event = match entry.event {
                AuditEvent::Begin => "begin".into(),
                AuditEvent::Decided(_) => "decided".into(),
                AuditEvent::End(end) => end.outcome.to_string(),
                AuditEvent::Repeated { times, .. } => format!("repeated {times}"),
            };
            format!("{} {} {event}", entry.id, entry.operation)
        };
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(words).collect()
    }
}

fn trail() -> (Trail, Arc<Collector>) {
    let token = |text: &str| text.parse().unwrap();
    let credentials = Credentials::new(token("guest-token"), token("the-stand-in")).unwrap();
    let collector = Arc::new(Collector::default());
    let audit = Arc::clone(&collector) as Arc<dyn Audit>;
    (Trail::new(Identity::new("x", Wasm::new(b"")), Some(audit), Arc::new(credentials)), collector)
}

fn due(trail: &Trail) -> Operation {
    trail.begin(Route::BackupDue.function(), AuditTarget::default())
}

fn answer(reason: &str) -> Result<BackupDue, Error> {
    Ok(BackupDue { reason: reason.into(), ..BackupDue::default() })
}

#[test]
fn equal_answers_are_counted_until_another_comes_or_something_is_done_or_the_run_ends() {
    let (trail, collector) = trail();
    let run = trail.begin_run();
    for reason in ["4h ago", "4h ago", "4h ago", "5h ago", "5h ago"] {
        due(&trail).answered(&answer(reason));
    }
    let start = trail.begin(Route::StartBackup.function(), AuditTarget::default());
    start.answered(&Ok(BackupJob::default()));
    due(&trail).answered(&answer("5h ago"));
    due(&trail).answered(&answer("5h ago"));
    assert_eq!(
        collector.take(),
        [
            "0 run begin",
            "1 backup.due begin",
            "1 backup.due ok",
            "1 backup.due repeated 2",
            "4 backup.due begin",
            "4 backup.due ok",
            "4 backup.due repeated 1",
            "6 backup.start begin",
            "6 backup.start ok",
            "7 backup.due begin",
            "7 backup.due ok",
        ]
    );
    drop(run);
    assert_eq!(collector.take(), ["7 backup.due repeated 1", "0 run abandoned"]);
}

#[test]
fn errors_are_equal_too_and_a_poll_that_is_dropped_is_not() {
    let (trail, collector) = trail();
    for text in ["busy", "busy", "gone"] {
        due(&trail).answered::<BackupDue>(&Err(Error::Agent(text.into())));
    }
    drop(due(&trail));
    due(&trail).answered::<BackupDue>(&Err(Error::Agent("gone".into())));
    assert_eq!(
        collector.take(),
        [
            "1 backup.due begin",
            "1 backup.due agent",
            "1 backup.due repeated 1",
            "3 backup.due begin",
            "3 backup.due agent",
            "4 backup.due begin",
            "4 backup.due abandoned",
            "5 backup.due begin",
            "5 backup.due agent",
        ]
    );
}

#[test]
fn the_same_answer_to_another_question_is_another_one() {
    let (trail, collector) = trail();
    for durable_id in ["byid:1", "byid:2", "byid:2"] {
        trail.begin(FS_UUID, AuditTarget::of_durable_id(durable_id)).answered(&Ok(None::<String>));
    }
    let lines = collector.take();
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[test]
fn no_two_runs_have_one_name() {
    let runs: BTreeSet<_> = (0..100).map(|_| super::new_run()).collect();
    assert_eq!(runs.len(), 100);
    assert!(runs.iter().all(|run| run.len() == 29), "{runs:?}");
}
