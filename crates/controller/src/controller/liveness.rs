//! What a watchdog asks.

use std::time::Duration;

use agentapi_host::quiesce::Coordinator;
use tokio_util::sync::CancellationToken;

use crate::owner::OwnerHandle;

/// Asks whether the controller lives: the owner, which starts all runs, and the keeper, which thaws. Neither waits for the
/// store, an agent or a disk, so a freeze of the disk on which the state lies changes no answer. Cheap to clone.
#[derive(Clone)]
pub struct Liveness {
    pub(super) owner: OwnerHandle,
    pub(super) coordinator: Option<Coordinator>,
    pub(super) stop: CancellationToken,
}

impl Liveness {
    /// Whether both answer, each within this time. While the controller ends, the keeper alone: the owner waits for runs
    /// that are being stopped then, and whoever has told it to end waits for that with a limit of their own.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        let owner = async { self.stop.is_cancelled() || self.owner.answers_within(limit).await };
        let keeper = async {
            match &self.coordinator {
                Some(coordinator) => coordinator.answers_within(limit).await,
                None => true,
            }
        };
        let (owner, keeper) = tokio::join!(owner, keeper);
        owner && keeper
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::time::Duration;

    use agentapi_host::quiesce::{Applications, Coordinator, Settings};
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::Liveness;
    use crate::clock::VirtualClock;
    use crate::owner::Owner;
    use crate::plan::Plan;
    use crate::run::{Run, RunContext, RunEnd, Runner};
    use crate::store::Store;

    /// Reached only where somebody does not answer.
    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(30);

    struct NoRuns;

    impl Runner for NoRuns {
        fn run(&self, _: RunContext) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
            unreachable!("nothing is in the plan")
        }

        fn reconcile(&self, _: Run, _: CancellationToken) -> Pin<Box<dyn Future<Output = RunEnd> + Send>> {
            unreachable!("nothing is open")
        }
    }

    #[tokio::test]
    async fn it_takes_an_answer_of_the_owner_until_it_is_told_to_end_and_none_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let (store, clock) = (Store::open(folder.path()).unwrap(), VirtualClock::new(jiff::Timestamp::UNIX_EPOCH));
        let (_plan, plans) = watch::channel(Arc::new(Plan::default()));
        let (owner, handle) =
            Owner::new(Arc::new(clock), store.clone(), Arc::new(NoRuns), Arc::new(crate::gate::Open), plans)
                .await
                .unwrap();
        let journal = folder.path().join("journal");
        let coordinator = Coordinator::open(journal, Applications::none(), Settings::default()).unwrap();
        let stop = CancellationToken::new();
        let liveness = Liveness { owner: handle, coordinator: Some(coordinator), stop: stop.clone() };
        // Its task has not begun: it hangs.
        assert!(!liveness.answers_within(SHORT).await);
        let working = tokio::spawn(owner.work(CancellationToken::new()));
        assert!(liveness.answers_within(LONG).await);
        let _parked = store.park();
        assert!(liveness.answers_within(LONG).await);
        working.abort();
        assert!(working.await.is_err() && !liveness.answers_within(SHORT).await);
        stop.cancel();
        assert!(liveness.answers_within(LONG).await);
    }
}
