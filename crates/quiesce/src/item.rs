//! One application as the keeper sees it: two workers, and what is known of it.
//!
//! An application may be frozen from when its freeze is ordered until a thaw has worked that was *begun* when nothing of
//! the freeze was alive any more. A thaw that works before is worth having, since it may be what the freeze waits for, but
//! it proves nothing: the freeze may complete after it.

mod notice;
mod times;
mod workers;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::application::{Application, Kind, Recorded};
use crate::device::Device;
use crate::error::QuiesceFailure;
use crate::file_system::Mount;
use crate::settings::Settings;
use crate::sync::now;
use crate::worker::{Bell, Order, Outcome, Post, Worker};
use workers::Workers;

pub(crate) struct Item {
    application: Application,
    name: Arc<str>,
    bell: Arc<Bell>,
    settings: Settings,
    freezer: Worker<Order>,
    /// `None` for a holder: what it froze is thawed by its own end.
    thawer: Option<Worker<Order>>,
    mount: Option<Mount>,
    device: Option<Device>,
    standing: Standing,
    /// A thaw program of this process has worked once.
    is_tried: bool,
    /// A daemon may act for a killed freeze program until then.
    late_until: Option<Instant>,
    /// A thaw has worked since the freeze was begun.
    is_thawed_meanwhile: bool,
    /// The thaw that was ordered, and whether nothing of the freeze was alive when it was.
    pending: Option<bool>,
    /// Why this did not stand still all the time.
    disturbed: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Running,
    MayBeFrozen,
    Frozen,
}

/// Why a freeze did not come to its end.
pub(crate) enum Cut {
    /// Nobody waits for it any more.
    Dropped,
    Failed(QuiesceFailure),
}

impl Item {
    /// Starts the threads. `index` counts the applications, from 0.
    pub(crate) fn start(
        application: &Application,
        index: usize,
        bell: &Arc<Bell>,
        settings: &Settings,
    ) -> io::Result<Self> {
        let Workers { name, freezer, thawer, mount } = Workers::start(application, index, bell, settings)?;
        Ok(Self {
            application: application.clone(),
            name: name.into(),
            bell: Arc::clone(bell),
            settings: settings.clone(),
            freezer,
            thawer,
            mount,
            device: None,
            standing: Standing::Running,
            is_tried: false,
            late_until: None,
            is_thawed_meanwhile: false,
            pending: None,
            disturbed: None,
        })
    }

    /// What was recorded in a journal, and may be frozen. Until `late_until` a daemon may complete the freeze.
    pub(crate) fn left_frozen(mut self, late_until: Instant) -> Self {
        // A holder has thawed by itself, or its process is found by its marker and killed.
        if self.thawer.is_some() {
            self.standing = Standing::MayBeFrozen;
        }
        self.late_until = matches!(self.application.kind, Kind::Programs { .. }).then_some(late_until);
        self
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn recorded(&self) -> Recorded {
        self.application.recorded(self.device)
    }

    pub(crate) fn lock_name(&self) -> Option<String> {
        self.application.lock_name(self.device)
    }

    pub(crate) fn may_be_frozen(&self) -> bool {
        self.standing != Standing::Running
    }

    pub(crate) fn disturbed(&self) -> Option<&str> {
        self.disturbed.as_deref()
    }

    /// Whether nothing that the freeze began is alive.
    pub(crate) fn is_quiet(&self) -> bool {
        self.thawer.is_none() || !self.freezer.is_busy()
    }

    /// From when a thaw is the last one.
    pub(crate) fn late_until(&self) -> Option<Instant> {
        self.late_until.filter(|late| *late > now())
    }

    /// Whether it has been thawed, nothing of the freeze is alive, and only a daemon may still act.
    pub(crate) fn waits_for_a_daemon(&self) -> bool {
        self.is_thawed_meanwhile && self.is_quiet() && self.late_until().is_some()
    }

    /// Finds out what is to be frozen: nothing is frozen by that.
    pub(crate) fn prepare(&mut self) -> Result<(), QuiesceFailure> {
        if self.mount.is_none() {
            return Ok(());
        }
        let limit = self.settings.freeze_timeout;
        match self.outcome_of(Order::Prepare, limit) {
            Some(Outcome::Prepared(device)) => {
                self.device = Some(device);
                Ok(())
            }
            Some(Outcome::NotBegun(why) | Outcome::Failed(why)) => Err(why),
            Some(Outcome::Done | Outcome::NotFrozen) | None => Err(self.hangs("looking at it", limit)),
        }
    }

    /// Runs the thaw program once, where nothing is frozen: what is found now is not found when all stands still.
    pub(crate) fn try_thaw(&mut self) -> Result<(), QuiesceFailure> {
        if self.is_tried || !matches!(self.application.kind, Kind::Programs { .. }) {
            return Ok(());
        }
        self.standing = Standing::MayBeFrozen;
        let tried = self.thaw(true);
        self.standing = Standing::Running;
        tried
    }

    /// Freezes. Ends early if nobody waits any more.
    pub(crate) fn freeze(&mut self, marker: &Arc<str>, is_dropped: impl Fn() -> bool) -> Result<(), Cut> {
        (self.late_until, self.is_thawed_meanwhile, self.disturbed) = (None, false, None);
        if !self.freezer.order(Order::Freeze(Arc::clone(marker))) {
            return Err(Cut::Failed(QuiesceFailure::new(format!("{}: an earlier freeze has not ended", self.name))));
        }
        self.standing = Standing::MayBeFrozen;
        enum Answer {
            Dropped,
            Post(Post),
            Outcome(Outcome),
        }
        let limit = self.freeze_time();
        let freezer = &self.freezer;
        let answer = self.bell.wait(Some(now() + limit), || {
            let told = freezer.take_post().map(Answer::Post).or_else(|| freezer.take_outcome().map(Answer::Outcome));
            told.or_else(|| is_dropped().then_some(Answer::Dropped))
        });
        match answer {
            Some(Answer::Post(Post::Frozen) | Answer::Outcome(Outcome::Done)) => {
                self.standing = Standing::Frozen;
                return Ok(());
            }
            Some(Answer::Outcome(Outcome::NotBegun(why))) => {
                self.standing = Standing::Running;
                return Err(Cut::Failed(why));
            }
            Some(Answer::Outcome(Outcome::Failed(why))) => {
                // A holder that has ended holds nothing.
                if self.thawer.is_none() {
                    self.standing = Standing::Running;
                }
                return Err(Cut::Failed(why));
            }
            _ => {}
        }
        let late = self.late_time();
        self.late_until = (!late.is_zero()).then(|| now() + late);
        self.freezer.cancel();
        // What can be ended is gone at once. Then one thaw is enough.
        self.bell.wait(Some(now() + GRACE), || (!freezer.is_busy()).then_some(()));
        Err(match answer {
            Some(Answer::Dropped) => Cut::Dropped,
            Some(Answer::Post(Post::Overran(why))) => Cut::Failed(why),
            _ => Cut::Failed(self.hangs("freezing it", limit)),
        })
    }

    /// One attempt to thaw, within its time. `are_others_quiet` says that nothing else may still freeze this.
    pub(crate) fn thaw(&mut self, are_others_quiet: bool) -> Result<(), QuiesceFailure> {
        let limit = self.thaw_time();
        let Some(thawer) = &self.thawer else { return self.end_holder(limit) };
        if self.pending.is_none() && thawer.order(Order::Thaw) {
            self.pending = Some(are_others_quiet && self.is_quiet() && self.late_until().is_none());
        }
        let Some(outcome) = self.bell.wait(Some(now() + limit), || thawer.take_outcome()) else {
            return Err(self.hangs("thawing it", limit));
        };
        let was_last = self.pending.take().unwrap_or_default();
        match outcome {
            Outcome::Failed(why) | Outcome::NotBegun(why) => return Err(why),
            Outcome::NotFrozen if self.standing == Standing::Frozen && !self.is_thawed_meanwhile => {
                self.disturbed = Some(format!("{} had been thawed by somebody else", self.name));
            }
            Outcome::NotFrozen | Outcome::Done | Outcome::Prepared(_) => {}
        }
        // Also where this was not the last: until the time of a daemon is over, another thaw would do nothing.
        (self.is_thawed_meanwhile, self.is_tried) = (true, true);
        if was_last {
            self.standing = Standing::Running;
            self.mount.iter().for_each(Mount::release);
        }
        Ok(())
    }

    /// Lets what was prepared go, where nothing was frozen.
    pub(crate) fn release(&mut self) {
        self.mount.iter().for_each(Mount::release);
    }

    fn end_holder(&mut self, limit: Duration) -> Result<(), QuiesceFailure> {
        self.freezer.cancel();
        let freezer = &self.freezer;
        let outcome = self.bell.wait(Some(now() + limit), || freezer.take_outcome());
        let Some(outcome) = outcome else { return Err(self.hangs("ending it", limit)) };
        self.standing = Standing::Running;
        // It is thawed: its session has ended. But what it had to do at the end, such as pg_backup_stop, was not done.
        if let Outcome::Failed(why) | Outcome::NotBegun(why) = outcome {
            self.disturbed = Some(why.chain());
        }
        Ok(())
    }

    fn outcome_of(&self, order: Order, limit: Duration) -> Option<Outcome> {
        if !self.freezer.order(order) {
            return None;
        }
        self.bell.wait(Some(now() + limit), || self.freezer.take_outcome())
    }

    fn hangs(&self, what: &str, limit: Duration) -> QuiesceFailure {
        QuiesceFailure::new(format!("{}: {what} took longer than {} ms and goes on", self.name, limit.as_millis()))
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item").field("name", &self.name).field("standing", &self.standing).finish_non_exhaustive()
    }
}

/// How long a freeze that was ended may take to be gone before its thaw is tried.
const GRACE: Duration = Duration::from_millis(200);
