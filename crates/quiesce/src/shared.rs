//! What the handles of a coordinator and its keeper have in common.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::clerk::SharedJournal;
use crate::error::{QuiesceFailure, Step};
use crate::parked::Parked;
use crate::report::{Backup, Report, Stage, Status};
use crate::settings::Settings;
use crate::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use crate::sync::{Mutex, now, oneshot, watch};
use crate::worker::{Bell, lock};

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) bell: Arc<Bell>,
    pub(crate) state: watch::Sender<State>,
    pub(crate) journal: SharedJournal,
    inbox: Mutex<Inbox>,
    /// A signal that ends what is frozen. 0 for none.
    signal: AtomicI32,
}

#[derive(Default)]
pub(crate) struct State {
    /// The freeze that has not ended.
    pub(crate) held: Option<Status>,
    pub(crate) last: Option<Report>,
    /// How many there were.
    pub(crate) freezes: u64,
    /// Why this coordinator never freezes.
    pub(crate) unusable: Option<String>,
}

#[derive(Default)]
struct Inbox {
    requests: VecDeque<Request>,
    is_closed: bool,
}

/// A freeze that somebody asks for.
pub(crate) struct Request {
    pub(crate) holder: String,
    pub(crate) parked: Parked,
    pub(crate) wish: Arc<Wish>,
    pub(crate) reply: oneshot::Sender<Result<(), Refusal>>,
    pub(crate) end: watch::Sender<Option<Report>>,
}

/// Why there is no lease.
pub(crate) enum Refusal {
    /// Another process, or another journal, has frozen the same. Carries who.
    Taken(String),
    /// Nothing was frozen.
    Before(Step, QuiesceFailure),
    Freeze(QuiesceFailure),
}

/// What the holder of a lease wants.
#[derive(Default)]
pub(crate) struct Wish(AtomicU8);

/// The holder's end of a wish. Dropping it is a wish, too.
pub(crate) struct Hold {
    wish: Arc<Wish>,
    bell: Arc<Bell>,
}

/// A coordinator's and its leases' share of the keeper: the last one lets it go.
pub(crate) struct Handle(pub(crate) Arc<Shared>);

impl Shared {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        let (bell, state, journal) = (Arc::default(), watch::Sender::default(), SharedJournal::default());
        Arc::new(Self { settings, bell, state, journal, inbox: Mutex::default(), signal: AtomicI32::new(0) })
    }

    pub(crate) fn post(&self, request: Request) {
        // First the request, then the ring: the keeper looks into the inbox each time that it is rung.
        lock(&self.inbox).requests.push_back(request);
        self.bell.ring();
    }

    /// For the keeper. `None` when there are no handles any more.
    pub(crate) fn next_request(&self) -> Option<Request> {
        let next = self.bell.wait(None, || {
            let mut inbox = lock(&self.inbox);
            match inbox.requests.pop_front() {
                Some(request) => Some(Some(request)),
                None => inbox.is_closed.then_some(None),
            }
        });
        next.flatten()
    }

    /// For the keeper, which sleeps on the bell: it is asked whether it lives.
    pub(crate) fn pause(&self, pause: Duration) {
        self.bell.wait(Some(now() + pause), || None::<()>);
    }

    pub(crate) fn interrupt(&self, signal: Option<i32>) {
        self.signal.store(signal.unwrap_or_default(), Ordering::Release);
        self.bell.ring();
    }

    /// The signal for which all must be thawed.
    pub(crate) fn interrupted(&self) -> Option<i32> {
        Some(self.signal.load(Ordering::Acquire)).filter(|signal| *signal != 0)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        // The watch channel wakes callers, the bell the keeper and those without a runtime.
        self.state.send_modify(change);
        self.bell.ring();
    }

    /// Looks at or changes what is known of the freeze that has not ended.
    pub(crate) fn held<T>(&self, change: impl FnOnce(&mut Status) -> T) -> T {
        let mut changed = None;
        self.state.send_modify(|state| {
            // There is one whenever the keeper asks. To panic over it here would be worse than an empty name.
            let held = state.held.get_or_insert_with(|| Status::new("", Stage::Thawing));
            changed = Some(change(held));
        });
        let Some(changed) = changed else { unreachable!("send_modify calls once") };
        changed
    }
}

impl Status {
    /// A freeze that begins now.
    pub(crate) fn new(holder: &str, stage: Stage) -> Self {
        Self {
            holder: holder.to_owned(),
            stage,
            since: now(),
            attempts: 0,
            failures: Vec::new(),
            waits_for: None,
            backup: Backup::NotBegun,
            number: 0,
        }
    }
}

impl Wish {
    pub(crate) fn is_thaw(&self) -> bool {
        self.0.load(Ordering::Acquire) == THAW
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.0.load(Ordering::Acquire) == DROPPED
    }
}

impl Hold {
    pub(crate) fn new(bell: &Arc<Bell>) -> Self {
        Self { wish: Arc::default(), bell: Arc::clone(bell) }
    }

    pub(crate) fn wish(&self) -> Arc<Wish> {
        Arc::clone(&self.wish)
    }

    pub(crate) fn thaw(&self) {
        // The wish first: whoever is woken by the ring must find it.
        self.wish.0.store(THAW, Ordering::Release);
        self.bell.ring();
    }
}

impl Drop for Hold {
    /// A thaw that was asked for is not taken back.
    fn drop(&mut self) {
        let _ = self.wish.0.compare_exchange(HOLD, DROPPED, Ordering::AcqRel, Ordering::Acquire);
        self.bell.ring();
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // The keeper has one, too, without a handle.
        lock(&self.0.inbox).is_closed = true;
        // Free for the next one at once, not when the keeper has woken up. While something is frozen it stays locked.
        if self.0.state.borrow().held.is_none() {
            drop(lock(&self.0.journal).take());
        }
        self.0.bell.ring();
    }
}

const HOLD: u8 = 0;
const THAW: u8 = 1;
const DROPPED: u8 = 2;
