//! Runs that an earlier controller left open: each gets an end.

use crate::owner::permits::Claim;
use crate::owner::{OpenRun, Owner};
use crate::run::Run;
use crate::store::{RunFilter, StoreError};

impl Owner {
    pub(super) async fn take_up_open_runs(&mut self) -> Result<(), StoreError> {
        let filter = RunFilter { is_open: true, ..RunFilter::default() };
        let open = self.store.reader().runs(filter, None, MAX_OPEN_RUNS).await?;
        for run in open.items {
            self.reconcile(run);
        }
        Ok(())
    }

    fn reconcile(&mut self, run: Run) {
        let subject = run.subject.clone();
        let claim = Claim { subject, may_freeze: true, wipes: None, is_admitted: true, has_permit: true };
        let (task, open) = self.open(claim, None);
        self.runs.push(OpenRun { run: Some(run.id), is_taken_up: true, ..open });
        self.tasks.spawn(task.reconcile(run));
    }

    /// Whether such a run of this subject has no end yet.
    pub(super) fn is_taking_up(&self, subject: &str) -> bool {
        self.runs.iter().any(|run| run.is_taken_up && run.claim.subject == subject)
    }
}

/// Open runs that are taken up at a start: far more than ever are open.
const MAX_OPEN_RUNS: u32 = 1000;
