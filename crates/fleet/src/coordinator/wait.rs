//! Waits for the end of one roll-out, and plans it meanwhile if no other coordinator does.

use std::time::Duration;

use super::Coordinator;
use crate::bus::BusError;
use crate::rollout::Rollout;

/// What a person who waits is to know before the end.
#[derive(Debug)]
pub enum WaitNotice {
    /// Another coordinator has the lease and plans, or this one has lost it.
    OtherPlans,
    /// This coordinator has the lease, after another one had it.
    Plans,
    /// The bus did not do what was asked. It is asked again for [`RETRY_FOR`].
    BusFails(BusError),
    /// The bus answers again.
    BusAnswers,
}

/// Why nobody knows how the roll-out ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The bus has not done what was asked for [`RETRY_FOR`].
    #[error("expected an answer of the bus within {} s, found none", RETRY_FOR.as_secs())]
    Bus(#[source] BusError),
    /// The bus was started with an empty store.
    #[error("expected the roll-out of {0} on the bus, found none: its store was lost")]
    Forgotten(String),
    /// Somebody has begun another one after this one had ended.
    #[error("expected the roll-out of {0} that was begun here, found a later one in its place")]
    Replaced(String),
}

/// What one look has found: whether this coordinator has the lease, and the roll-out.
type Looked = Result<(bool, Option<Rollout>), BusError>;

impl Coordinator {
    /// Waits until a roll-out has ended, and returns it as it is then. Where another coordinator has the lease, that one
    /// plans, and this one takes over when it ends.
    ///
    /// # Errors
    ///
    /// [`WaitError`].
    pub async fn wait_for(
        &mut self,
        mut rollout: Rollout,
        mut tell: impl FnMut(WaitNotice),
    ) -> Result<Rollout, WaitError> {
        let (mut led, mut fails_since) = (true, None);
        while rollout.is_going_on() {
            match self.look_for(&rollout.extension).await {
                Ok((leads, found)) => {
                    if fails_since.take().is_some() {
                        tell(WaitNotice::BusAnswers);
                    }
                    if led != leads {
                        tell(if leads { WaitNotice::Plans } else { WaitNotice::OtherPlans });
                    }
                    led = leads;
                    rollout = same(found, rollout)?;
                }
                Err(why) => {
                    let now = self.clock.monotonic();
                    if now.since(*fails_since.get_or_insert(now)) >= RETRY_FOR {
                        return Err(WaitError::Bus(why));
                    }
                    if fails_since == Some(now) {
                        tell(WaitNotice::BusFails(why));
                    }
                }
            }
            if rollout.is_going_on() {
                self.clock.sleep(WAIT_PAUSE).await;
            }
        }
        Ok(rollout)
    }

    async fn look_for(&mut self, extension: &str) -> Looked {
        let leads = self.look().await?;
        let mut rollouts = Rollout::all(self.bus.as_ref()).await?.into_iter().map(|(rollout, _)| rollout);
        Ok((leads, rollouts.find(|rollout| rollout.extension == extension)))
    }
}

/// The roll-out that is waited for, as it was found. One that began at another time is another one.
fn same(found: Option<Rollout>, awaited: Rollout) -> Result<Rollout, WaitError> {
    match found {
        Some(found) if found.began == awaited.began => Ok(found),
        Some(_) => Err(WaitError::Replaced(awaited.extension)),
        None => Err(WaitError::Forgotten(awaited.extension)),
    }
}

/// How long a bus that fails is asked again: five minutes, in which a server is updated and started again.
pub const RETRY_FOR: Duration = Duration::from_secs(5 * 60);
/// Between two looks: a person waits for what they find.
const WAIT_PAUSE: Duration = Duration::from_secs(2);
