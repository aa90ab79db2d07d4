//! The life of one freeze: locks, trial, journal, freeze, wait, thaw until it worked, journal, report.
//!
//! The keeper is a thread of its own. It waits on its [`Bell`] and does nothing that can hang: what can is done by workers,
//! which were started before anything was frozen. It logs nothing either. So it needs no other thread, no runtime and no
//! disk to thaw; a thaw *program* needs a process, and is tried until there is one.

mod thaw;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clerk::{Clerk, Errand};
use crate::error::{QuiesceFailure, Step};
use crate::item::{Cut, Item};
use crate::journal::Entry;
use crate::parked::Parked;
use crate::process::Owner;
use crate::report::{EndedBy, Report, Stage, Status};
use crate::shared::{Refusal, Request, Shared, Wish};
use crate::sync::{now, oneshot, thread, watch};
use crate::worker::{Outcome, SMALL_STACK, Worker};

pub(crate) struct Keeper {
    pub(crate) shared: Arc<Shared>,
    pub(crate) items: Vec<Item>,
    pub(crate) clerk: Clerk,
    logger: Worker<Report>,
    owner: Owner,
    /// Of the freeze that was journalled last: carried by all that it starts.
    marker: Arc<str>,
}

impl Keeper {
    pub(crate) fn new(shared: Arc<Shared>, items: Vec<Item>, clerk: Clerk) -> std::io::Result<Self> {
        let logger = Worker::start("log", &shared.bell, SMALL_STACK, |report: Report, _| {
            log(&report);
            Outcome::Done
        })?;
        Ok(Self { shared, items, clerk, logger, owner: Owner::current()?, marker: "".into() })
    }

    /// Until all handles are gone and nothing is frozen.
    pub(crate) fn serve(mut self) {
        while let Some(request) = self.shared.next_request() {
            let Request { holder, parked, wish, reply, end } = request;
            let mut freeze = Freeze { holder, parked: Some(parked), wish, reply: Some(reply), begun: None };
            // Kept outside of the closure: after a panic it is known that the freeze had begun, and why it was to end.
            let mut ended_by = None;
            while catch_unwind(AssertUnwindSafe(|| self.keep(&mut freeze, &mut ended_by, &end))).is_err() {
                // It goes on with the thaw: the freeze has a reason to end.
                ended_by.get_or_insert(EndedBy::FreezeFailed);
                self.note("the keeper panicked".to_owned());
                thread::sleep(AFTER_PANIC);
            }
        }
    }

    /// Freezes and answers; thaws on request, when the holder is gone, or when the lease ends.
    fn keep(&mut self, freeze: &mut Freeze, ended_by: &mut Option<EndedBy>, end: &watch::Sender<Option<Report>>) {
        if ended_by.is_none() {
            if let Err(refusal) = self.prepare(freeze) {
                return self.refuse(freeze, refusal);
            }
            *ended_by = Some(self.freeze_and_hold(freeze));
        }
        self.thaw_all(|| true);
        let frozen = freeze.begun.map_or(Duration::ZERO, |begun| now().saturating_duration_since(begun));
        let ended_by = ended_by.unwrap_or(EndedBy::FreezeFailed);
        self.end(ended_by, frozen, freeze.parked.take(), Some(end));
    }

    /// Everything that can fail before something is frozen.
    fn prepare(&mut self, freeze: &Freeze) -> Result<(), Refusal> {
        let limit = Some(self.shared.settings.freeze_timeout);
        let holder = freeze.holder.clone();
        // Before the locks: that of a file system is named after the device that is found here.
        for item in &mut self.items {
            item.prepare().map_err(|why| Refusal::Before(Step::Prepare, why))?;
        }
        // Before the journal: its line would make the next start thaw what another journal holds.
        let names = self.items.iter().filter_map(Item::lock_name).collect();
        match self.clerk.run(Errand::Lock { names, holder: holder.clone() }, limit) {
            Outcome::Done => {}
            Outcome::NotBegun(holder) => return Err(Refusal::Taken(holder.to_string())),
            outcome => return Err(Refusal::Before(Step::Lock, failure_of(outcome))),
        }
        // After the lock: else the trial could thaw what another journal has frozen.
        for item in self.items.iter_mut().rev() {
            item.try_thaw().map_err(|why| Refusal::Before(Step::Trial, why))?;
        }
        // The last thing before the freeze: from here on, whoever dies is thawed by the next start.
        let entry = self.entry();
        match self.clerk.run(Errand::Frozen { holder, entry }, limit) {
            Outcome::Done => Ok(()),
            outcome => Err(Refusal::Before(Step::Journal, failure_of(outcome))),
        }
    }

    /// Nothing was frozen. What the clerk does late, when nobody waits for it any more, is taken back as well: a lock that
    /// was waited for in vain, or the line `frozen`, would else stay until the next freeze.
    fn refuse(&mut self, freeze: &mut Freeze, refusal: Refusal) {
        self.items.iter_mut().for_each(Item::release);
        let limit = Some(self.shared.settings.freeze_timeout);
        let mut refusal = Some(refusal);
        if let Outcome::Failed(_) = self.clerk.run(Errand::Unlock, limit) {
            // The disk of the journal does not answer. Whoever asked is told now; the next has to wait.
            refusal.take().map(|refusal| freeze.answer(Err(refusal)));
            self.clerk.run(Errand::Unlock, None);
        }
        self.shared.change(|state| state.held = None);
        // Usually after that: who is refused may ask again at once.
        refusal.take().map(|refusal| freeze.answer(Err(refusal)));
    }

    fn freeze_and_hold(&mut self, freeze: &mut Freeze) -> EndedBy {
        let begun = now();
        freeze.begun = Some(begun);
        let (marker, shared) = (Arc::clone(&self.marker), Arc::clone(&self.shared));
        // No more than a look at two atomics: it is asked at each ring of the bell while a freeze runs.
        let is_cut = || freeze.wish.is_dropped() || shared.interrupted().is_some();
        for item in &mut self.items {
            match item.freeze(&marker, is_cut) {
                Ok(()) => {}
                Err(Cut::Dropped) => return shared.interrupted().map_or(EndedBy::Dropped, EndedBy::Signal),
                Err(Cut::Failed(why)) => {
                    self.note(why.chain());
                    freeze.answer(Err(Refusal::Freeze(why)));
                    return EndedBy::FreezeFailed;
                }
            }
        }
        // In memory, so it takes no time. Were it not waited for, whoever dies now would be found in the middle of a freeze.
        self.clerk.run(Errand::StandsStill, Some(MARK_TIMEOUT));
        // Counted from here: the time that the freeze took is not the holder's.
        let until = now() + self.shared.settings.lease;
        self.shared.held(|held| (held.stage, held.since) = (Stage::Frozen, now()));
        // After the stage: who has the lease may say at once that a backup begins, and is asked whether all stands still.
        if !freeze.answer(Ok(())) {
            return EndedBy::Dropped;
        }
        self.hold(&freeze.wish, until)
    }

    fn hold(&mut self, wish: &Wish, until: Instant) -> EndedBy {
        let bell = Arc::clone(&self.shared.bell);
        let ended_by = bell.wait(Some(until), || {
            // First: a holder that let go makes the backup worthless, whatever else has happened by now.
            if self.items.iter_mut().any(Item::has_let_go) {
                return Some(EndedBy::LetGo);
            }
            if let Some(signal) = self.shared.interrupted() {
                return Some(EndedBy::Signal(signal));
            }
            if wish.is_dropped() {
                return Some(EndedBy::Dropped);
            }
            wish.is_thaw().then_some(EndedBy::Thaw)
        });
        ended_by.unwrap_or(EndedBy::LeaseEnded)
    }

    /// Journals the end, gives the freeze free, and then reports.
    pub(crate) fn end(
        &mut self,
        ended_by: EndedBy,
        frozen: Duration,
        parked: Option<Parked>,
        end: Option<&watch::Sender<Option<Report>>>,
    ) {
        // Taken before it is journalled: the next freeze begins with a status of its own.
        let Status { holder, attempts, failures, backup, .. } = self.shared.held(|held| held.clone());
        let attempts = attempts.saturating_add(1);
        let disturbed = self.items.iter().find_map(Item::disturbed).map(str::to_owned);
        let mut report = Report { holder, frozen, ended_by, attempts, failures, backup, disturbed };
        // All runs again, so nobody is hurt by a disk that does not answer. What is not written thaws once more.
        let outcome = self.clerk.run(Errand::Ended { report: report.clone(), parked }, None);
        if let Outcome::Failed(why) | Outcome::NotBegun(why) = outcome {
            report.failures.push(format!("the end is not in the journal: {}", why.chain()));
        }
        self.shared.change(|state| {
            state.held = None;
            state.last = Some(report.clone());
            // At once: who sees that nothing is held finds the report, and who has the report can freeze again.
            end.map(|end| end.send_replace(Some(report.clone())));
        });
        // Nobody waits for it: the log may be a pipe whose reader has stopped.
        self.logger.order(report);
    }

    pub(crate) fn note(&self, failure: String) {
        self.shared.held(|held| held.note(failure));
    }

    /// Of a freeze that is about to begin.
    fn entry(&mut self) -> Entry {
        // Unique on this machine: process, its start, and a number.
        self.marker = format!("{}-{}", self.owner.id(), NEXT.fetch_add(1, Ordering::Relaxed)).into();
        let what = self.items.iter().map(Item::recorded).collect();
        // The last program may begin when all before it have used up their time. What comes after it goes on without any.
        let mut may_go_on = Duration::ZERO;
        let mut in_turn = Duration::ZERO;
        for item in &self.items {
            in_turn = in_turn.saturating_add(item.freeze_time());
            if !item.late_time().is_zero() {
                may_go_on = in_turn.saturating_add(item.late_time());
            }
        }
        let may_go_on_s = may_go_on.as_secs().saturating_add(1);
        let folder = std::env::current_dir().ok();
        Entry { id: self.marker.to_string(), owner: self.owner.clone(), folder, may_go_on_s, what }
    }
}

/// A request that is being worked on.
struct Freeze {
    holder: String,
    parked: Option<Parked>,
    wish: Arc<Wish>,
    reply: Option<oneshot::Sender<Result<(), Refusal>>>,
    begun: Option<Instant>,
}

impl Freeze {
    /// Whether anybody heard it.
    fn answer(&mut self, answer: Result<(), Refusal>) -> bool {
        self.reply.take().is_some_and(|reply| reply.send(answer).is_ok())
    }
}

pub(crate) fn failure_of(outcome: Outcome) -> QuiesceFailure {
    match outcome {
        Outcome::Failed(why) | Outcome::NotBegun(why) => why,
        Outcome::Done | Outcome::NotFrozen | Outcome::Prepared(_) => QuiesceFailure::new("an answer of another kind"),
    }
}

/// After the thaw. A subscriber that panics harms nobody but its line.
fn log(report: &Report) {
    tracing::info!(
        holder = ?report.holder, frozen_ms = report.frozen.as_millis(), ended_by = %report.ended_by,
        attempts = report.attempts, failures = ?report.failures, "thawed"
    );
}

/// Of the entries of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);
/// A second, for a machine that is busy.
const MARK_TIMEOUT: Duration = Duration::from_secs(1);
/// Long enough not to spin on a bug, and short beside any freeze.
pub(crate) const AFTER_PANIC: Duration = Duration::from_millis(50);
