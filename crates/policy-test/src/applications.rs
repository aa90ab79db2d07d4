//! The applications of a case: the real coordinator freezes them, and they do as the case says.

use std::sync::Arc;

use agentapi_host::error_chain;
use agentapi_host::policy::Policy;
use agentapi_host::quiesce::{self, Application, Coordinator, Parked, Quiesce, QuiesceFailure, Quiescing, Settings};
use tempfile::TempDir;

use crate::case::Freeze;

/// Applications that stand still when they are told to, or never.
pub(crate) struct Applications {
    coordinator: Coordinator,
    /// Holds the journal.
    _folder: TempDir,
}

impl Applications {
    pub(crate) fn open(freeze: Freeze) -> Result<Self, String> {
        let failed = |why: &dyn std::error::Error| format!("nothing can be frozen: {}", error_chain(why));
        let folder = tempfile::tempdir().map_err(|why| failed(&why))?;
        let settings = Settings { lock_folder: Some(folder.path().to_owned()), ..Settings::default() };
        let application = Application::own("applications", Arc::new(freeze));
        let coordinator = quiesce::Applications::new([application]).map_err(|why| failed(&why)).and_then(|all| {
            Coordinator::open(folder.path().join("journal"), all, settings).map_err(|why| failed(&why))
        })?;
        Ok(Self { coordinator, _folder: folder })
    }

    pub(crate) fn give_to(&self, policy: Policy) -> Policy {
        policy.quiesce(self.coordinator.clone(), Parked::nothing_to_park)
    }

    /// Waits until what a run left frozen is thawed, which the coordinator does by itself.
    pub(crate) async fn settle(&self) {
        // Without a time to give up, it returns when nothing is frozen.
        let _ = self.coordinator.idle().await;
    }
}

impl Quiesce for Freeze {
    fn freeze(&self) -> Quiescing<'_> {
        Box::pin(async move {
            match self {
                Self::Works => Ok(()),
                Self::Fails => Err(QuiesceFailure::new("the case says that the freeze fails")),
            }
        })
    }

    fn thaw(&self) -> Quiescing<'_> {
        Box::pin(async { Ok(()) })
    }
}
