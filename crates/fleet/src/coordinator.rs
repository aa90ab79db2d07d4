//! The coordinator moves roll-outs on, and shows people what it sees of all guests. Any number of them may run: all show, and
//! the one that has the lease plans. The lease only saves work. Two that plan at once for a moment do no harm, because each
//! decision is a compare-and-set of one key, and the one that comes second finds the key changed.

mod found;
mod showing;
mod wait;

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::clock::{Clock, Monotonic};
use agentapi_controller::controller::Companion;
use agentapi_host::error_chain;

use crate::bus::{Bus, BusError, Expect, Table};
use crate::coordinator::found::Found;
use crate::guest::Dial;
use crate::overview::Overview;
use crate::rollout::{Rollout, RolloutState, Step};

pub use crate::coordinator::showing::Showing;
pub use crate::coordinator::wait::{RETRY_FOR, WaitError, WaitNotice};

/// Plans beside a guest's controller, for ever: to be aborted at the end of the process, after which another takes over.
pub async fn coordinate(companion: Companion, dial: Dial) {
    let showing = Showing::new(companion.board, Arc::clone(&companion.clock));
    let bus = loop {
        match dial().await {
            Ok(bus) => break bus,
            Err(why) => {
                tracing::warn!(error = error_chain(&why), "the coordinator does not reach the bus");
                showing.lost(error_chain(&why));
            }
        }
        companion.clock.sleep(DIAL_PAUSE).await;
    };
    let coordinator = Coordinator::new(Arc::clone(&bus), companion.clock, companion.guest).showing(showing.clone());
    tokio::join!(coordinator.work(), showing.follow(bus.as_ref()));
}

/// Plans for the guests of a fleet while it has the lease.
pub struct Coordinator {
    bus: Arc<dyn Bus>,
    clock: Arc<dyn Clock>,
    /// Who it is, for people.
    name: String,
    lease: Option<Lease>,
    /// Where people look; none where nobody does.
    showing: Option<Showing>,
}

/// The lease, as its holder knows it.
struct Lease {
    revision: u64,
    /// Nothing is planned after this: from some seconds later on, another one may have the lease.
    until: Monotonic,
}

impl Coordinator {
    /// Plans nothing before it [looks](Self::look).
    pub fn new(bus: Arc<dyn Bus>, clock: Arc<dyn Clock>, name: impl Into<String>) -> Self {
        Self { bus, clock, name: name.into(), lease: None, showing: None }
    }

    /// Shows people what it sees.
    pub fn showing(self, showing: Showing) -> Self {
        Self { showing: Some(showing), ..self }
    }

    /// Works for ever.
    pub async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "nothing is planned now");
            }
            self.clock.sleep(LOOK_EVERY).await;
        }
    }

    /// Looks once: takes or renews the lease, shows what there is to see, and moves on what can be moved. Says whether it has
    /// the lease.
    ///
    /// # Errors
    ///
    /// [`BusError`]. What was not done is done at the next look, by this coordinator or another.
    pub async fn look(&mut self) -> Result<bool, BusError> {
        let (leads, found) = match self.find().await {
            Ok(looked) => looked,
            Err(why) => {
                if let Some(showing) = &self.showing {
                    showing.lost(error_chain(&why));
                }
                return Err(why);
            }
        };
        let Some(found) = found else { return Ok(leads) };
        if let Some(showing) = &self.showing {
            showing.show(found.board(self.clock.now()));
        }
        let going_on = found.rollouts.into_iter().filter(|(rollout, _)| rollout.is_going_on());
        for (rollout, revision) in going_on {
            if !self.may_plan() {
                break;
            }
            match self.move_on(rollout, revision, &found.overview).await {
                // A person, or another coordinator, has decided meanwhile.
                Err(BusError::Changed { .. }) => {}
                outcome => outcome?,
            }
        }
        Ok(leads)
    }

    /// Whether it has the lease, and what is on the bus. The bus is not read where this one neither plans nor shows.
    async fn find(&mut self) -> Result<(bool, Option<Found>), BusError> {
        let leads = self.lead().await?;
        let is_of_use = leads || self.showing.is_some();
        Ok((leads, if is_of_use { Some(Found::read(self.bus.as_ref()).await?) } else { None }))
    }

    async fn move_on(&self, mut rollout: Rollout, mut revision: u64, overview: &Overview) -> Result<(), BusError> {
        rollout.apply(self.bus.as_ref(), overview, &mut revision).await?;
        if rollout.state == RolloutState::RollingBack {
            rollout.state = RolloutState::RolledBack;
        } else {
            match rollout.step(overview) {
                Step::Wait(_) => return Ok(()),
                Step::Next => rollout.reached += 1,
                Step::Done => rollout.state = RolloutState::Done,
                Step::Stop(why) => rollout.state = RolloutState::Stopped { why },
            }
        }
        tracing::info!(extension = rollout.extension, state = ?rollout.state, reached = rollout.reached, "a roll-out moves on");
        if !self.may_plan() {
            return Ok(());
        }
        rollout.write(self.bus.as_ref(), Expect::Revision(revision)).await.map(drop)
    }

    /// Takes the lease, or renews it.
    async fn lead(&mut self) -> Result<bool, BusError> {
        let expect = self.lease.as_ref().map_or(Expect::Nothing, |lease| Expect::Revision(lease.revision));
        let asked = self.clock.monotonic();
        match self.bus.put(Table::Lease, KEY, self.name.clone().into(), expect).await {
            Ok(revision) => {
                // Counted from before it was asked for: the bus has taken it later than that.
                self.lease = Some(Lease { revision, until: asked + VALID });
                Ok(true)
            }
            Err(BusError::Changed { .. }) => {
                self.lease = None;
                Ok(false)
            }
            // It may have it still, and nothing is planned until that is known.
            Err(why) => Err(why),
        }
    }

    fn may_plan(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| self.clock.monotonic() < lease.until)
    }

    /// Gives the lease back, so that another takes it at once. One that was lost is left alone.
    pub async fn end(mut self) {
        if let Some(lease) = self.lease.take() {
            let _ = self.bus.delete(Table::Lease, KEY, lease.revision).await;
        }
    }
}

/// Between two attempts to reach the bus.
const DIAL_PAUSE: Duration = Duration::from_secs(30);
const KEY: &str = "coordinator";
/// Between two looks: a third of what the lease is good for.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Less than the bus keeps it.
const VALID: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests;
