//! What others hold of the owner.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::action::Actions;
use crate::owner::status::StatusReader;

/// Asks the owner, and reads its status. Cheap to clone.
#[derive(Clone)]
pub struct OwnerHandle {
    /// Asks it to do something.
    pub actions: Actions,
    /// What runs and what is due.
    pub status: StatusReader,
    pub(super) pings: mpsc::Sender<oneshot::Sender<()>>,
}

impl OwnerHandle {
    /// Whether the owner answers within this time. It waits for nothing, so one that does not answer hangs.
    pub async fn answers_within(&self, limit: Duration) -> bool {
        let asked = async {
            let (reply, answer) = oneshot::channel();
            self.pings.send(reply).await.is_ok() && answer.await.is_ok()
        };
        tokio::time::timeout(limit, asked).await.unwrap_or(false)
    }
}
