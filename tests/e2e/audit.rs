//! An audit that keeps its entries, and what holds of every audit that is true.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use agentapi_host::Route;
use agentapi_host::policy::{Audit, AuditApproval, AuditConsistency, AuditEnd, AuditEntry, AuditEvent, AuditOutcome};
use agentapi_mock::ReceivedRequest;
use serde_json::Value;

/// Keeps the entries, and with each how much had been done in the world outside by then.
#[derive(Clone)]
pub(crate) struct Collector {
    seen: Arc<Mutex<Vec<Seen>>>,
    acts: Arc<dyn Fn() -> usize + Send + Sync>,
}

/// An entry, and how many acts were seen from outside when it was recorded: POSTs that the agent had received, and
/// freezes and thaws that applications had been asked for.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) entry: AuditEntry,
    acts: usize,
}

impl Audit for Collector {
    fn record(&self, entry: &AuditEntry) {
        let seen = Seen { entry: entry.clone(), acts: (self.acts)() };
        self.seen.lock().unwrap().push(seen);
    }
}

impl Collector {
    pub(crate) fn new(acts: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        Self { seen: Arc::default(), acts: Arc::new(acts) }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Audit> {
        Arc::new(self.clone())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn entries(&self) -> Vec<AuditEntry> {
        self.seen().into_iter().map(|seen| seen.entry).collect()
    }

    /// Each entry as a few words.
    pub(crate) fn words(&self) -> Vec<String> {
        self.entries().iter().map(words).collect()
    }

    /// All entries as the lines of a file.
    pub(crate) fn text(&self) -> String {
        self.entries().iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
    }

    /// The end of the run.
    pub(crate) fn end_of_run(&self) -> AuditEnd {
        match self.entries().pop() {
            Some(AuditEntry { id: 0, event: AuditEvent::End(end), .. }) => end,
            other => panic!("expected the end of the run last, found {other:?}"),
        }
    }
}

fn words(entry: &AuditEntry) -> String {
    let event = match &entry.event {
        AuditEvent::Begin => "begin".to_owned(),
        AuditEvent::Decided(AuditApproval::Approved { .. }) => "approved".to_owned(),
        AuditEvent::Decided(_) => "refused".to_owned(),
        AuditEvent::End(end) => end.outcome.to_string(),
        AuditEvent::Repeated { times, .. } => format!("repeated {times}"),
        other => format!("{other:?}"),
    };
    format!("{} {event}", entry.operation)
}

/// What holds of the audit of one run, however it ended and wherever it was cut off. Returns the outcome of the run.
///
/// `acting` are the functions by which the extension acts, in its order and each once.
pub(crate) fn assert_true(seen: &[Seen], requests: &[ReceivedRequest], acting: &[&str]) -> AuditOutcome {
    let text: Vec<_> = seen.iter().map(|seen| words(&seen.entry)).collect();
    let (first, last) = (&seen[0].entry, &seen[seen.len() - 1].entry);
    assert!(seen.iter().all(|seen| seen.entry.run == first.run), "one run: {text:?}");
    assert!((first.id, &first.event) == (0, &AuditEvent::Begin), "the run begins first: {text:?}");
    let AuditEvent::End(AuditEnd { outcome, .. }) = last.event else { panic!("the run ends last: {text:?}") };
    assert_eq!(last.id, 0, "the run ends last: {text:?}");

    let abandoned = operations(seen).into_values().filter(|lines| is_abandoned(lines, &text)).count();
    assert!(abandoned <= 1, "an extension makes one call at a time: {text:?}");
    assert!(abandoned == 0 || outcome != AuditOutcome::Ok, "{text:?}");
    for request in requests {
        assert_is_begun(request, seen, &text);
    }
    for (number, function) in acting.iter().enumerate() {
        assert_acts_between_begin_and_end(number, function, seen, &text);
    }
    assert_reads_are_all_there(seen, requests, &text);
    assert_backup_is_told(seen, &text);
    outcome
}

/// The run tells of the backup that it started, or may have, and of no other.
fn assert_backup_is_told(seen: &[Seen], text: &[String]) {
    let end = |function: &str| {
        seen.iter().rev().find_map(|seen| match &seen.entry.event {
            AuditEvent::End(end) if seen.entry.operation == function => Some(end.clone()),
            _ => None,
        })
    };
    let job = |end: &AuditEnd| end.backup.clone().map(|backup| backup.job_id);
    let run = end("run").unwrap();
    let started = end("backup.start").filter(|end| end.outcome != AuditOutcome::Failed("denied"));
    let expected = started.as_ref().map(|end| job(end).flatten());
    assert_eq!(job(&run), expected, "{text:?}");
    assert_eq!(run.consistency.is_some(), started.is_some(), "{text:?}");
    if run.consistency == Some(AuditConsistency::Application) {
        let worth = end("quiesce.thaw").map(|end| (end.outcome, end.consistency));
        // A thaw that nobody waited for any more may have worked all the same, by the time the run ended.
        let is_thawed = matches!(
            worth,
            Some((AuditOutcome::Abandoned, None) | (AuditOutcome::Ok, Some(AuditConsistency::Application)))
        );
        assert!(is_thawed, "{text:?}");
    }
}

/// The lines of each operation, without those of the run.
fn operations(seen: &[Seen]) -> BTreeMap<u64, Vec<&AuditEntry>> {
    let mut operations: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for seen in seen.iter().filter(|seen| seen.entry.id != 0) {
        operations.entry(seen.entry.id).or_default().push(&seen.entry);
    }
    operations
}

/// Whether an operation was abandoned. Checks that its lines are a begin, perhaps a decision, an end, perhaps a count.
fn is_abandoned(lines: &[&AuditEntry], text: &[String]) -> bool {
    let order = |event: &AuditEvent| match event {
        AuditEvent::Begin => 0,
        AuditEvent::Decided(_) => 1,
        AuditEvent::End(_) => 2,
        _ => 3,
    };
    assert!(lines.is_sorted_by(|a, b| order(&a.event) < order(&b.event)), "each at most once, in order: {text:?}");
    assert!(lines.iter().all(|line| line.target == lines[0].target), "one target: {text:?}");
    assert_eq!(lines[0].event, AuditEvent::Begin, "{text:?}");
    let mut ends = lines.iter().filter_map(|line| match &line.event {
        AuditEvent::End(end) => Some(end),
        _ => None,
    });
    let end = ends.next().unwrap_or_else(|| panic!("a begin without an end: {text:?}"));
    let decision = lines.iter().find_map(|line| match &line.event {
        AuditEvent::Decided(decision) => Some(decision.clone()),
        _ => None,
    });
    let unanswered = Some(AuditApproval::Unanswered);
    assert!(end.approval == decision || (decision.is_none() && end.approval == unanswered), "{text:?}");
    end.outcome == AuditOutcome::Abandoned
}

/// What the agent received had its begin, with what it is directed at, and for a wipe with the approval.
fn assert_is_begun(request: &ReceivedRequest, seen: &[Seen], text: &[String]) {
    let route = Route::of(request.method.as_str(), &request.path).unwrap();
    let function = route.function().to_string();
    let lines: Vec<_> = seen.iter().filter(|seen| seen.entry.operation == function).collect();
    assert!(!lines.is_empty(), "{route} has no begin: {text:?}");
    if route != Route::FormatDisk {
        return;
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let target = &lines[0].entry.target;
    assert_eq!(target.device.as_deref(), body["device"].as_str(), "{text:?}");
    assert!(target.durable_id.is_some() && target.durable_id.as_deref() == body["durable_id"].as_str(), "{body}");
    let approved = |seen: &&Seen| matches!(seen.entry.event, AuditEvent::Decided(AuditApproval::Approved { .. }));
    assert!(lines.into_iter().any(|line| approved(&line)), "sent without an approval: {text:?}");
}

/// The begin was recorded before anything was done, and `ok` not before it was done.
fn assert_acts_between_begin_and_end(number: usize, function: &str, seen: &[Seen], text: &[String]) {
    for Seen { entry, acts } in seen.iter().filter(|seen| seen.entry.operation == function) {
        match &entry.event {
            AuditEvent::Begin | AuditEvent::Decided(_) => {
                assert!(*acts <= number, "{function} was done before its begin: {text:?}");
            }
            AuditEvent::End(end) if end.outcome == AuditOutcome::Ok => {
                assert!(*acts > number, "{function} is called done and was not: {text:?}");
            }
            _ => {}
        }
    }
}

/// Each GET is there by its begin or by a count, and each that is called answered was received.
fn assert_reads_are_all_there(seen: &[Seen], requests: &[ReceivedRequest], text: &[String]) {
    for route in Route::ALL.into_iter().filter(|route| route.method().as_str() == "GET") {
        let is_of = |request: &&ReceivedRequest| Route::of(request.method.as_str(), &request.path) == Some(route);
        let received = requests.iter().filter(is_of).count() as u64;
        let function = route.function().to_string();
        let (mut begun, mut answered) = (0, 0);
        for seen in seen.iter().filter(|seen| seen.entry.operation == function) {
            match &seen.entry.event {
                AuditEvent::Begin => begun += 1,
                AuditEvent::End(end) if end.outcome == AuditOutcome::Ok => answered += 1,
                AuditEvent::Repeated { times, .. } => (begun, answered) = (begun + times, answered + times),
                _ => {}
            }
        }
        assert!(answered <= received && received <= begun, "{route}: {answered}, {received}, {begun}: {text:?}");
    }
}
