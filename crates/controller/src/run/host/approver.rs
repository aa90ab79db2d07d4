//! A wipe that an extension, or a user of the API, asks for: shown to a person as the agent describes the disk, and looked at
//! again before the yes is used.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{Approver, Decision, Wipe as Asked};
use agentapi_host::records::{Disk, DiskRole};
use agentapi_host::{Agent, error_chain};

use crate::approval::{ApprovalId, ApprovalState, Desk, Wipe};
use crate::clock::{Clock, Monotonic};
use crate::event::{EventKind, NewEvent, Severity};
use crate::run::RunId;
use crate::run::host::disk;
use crate::store::{Decided, Store};

/// Asks for one run.
pub(super) struct RunApprover {
    pub(super) desk: Desk,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) agent: Agent,
    pub(super) run: RunId,
    /// When the run's wall-clock limit ends it.
    pub(super) ends_at: Monotonic,
    /// SHA-256 of the extension's bytes in hex, or the user who asks.
    pub(super) extension_sha256: String,
}

impl Approver for RunApprover {
    fn approves<'a>(&'a self, asked: &'a Asked) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        Box::pin(async move {
            match self.ask(asked, |_| {}).await {
                Ok(by) => Decision::approved().made_by(by),
                Err(Refused::ByPerson(decided)) if decided.by.is_empty() => Decision::refused(),
                Err(Refused::ByPerson(decided)) => Decision::refused().made_by(decided.by),
                // An event has said it.
                Err(Refused::Withdrawn(_)) => Decision::refused(),
                Err(Refused::ByRule(why)) => {
                    self.tell(asked, why);
                    Decision::refused()
                }
            }
        })
    }
}

/// A no.
pub(super) enum Refused {
    /// A person gave it, or nobody has decided in time.
    ByPerson(Decided),
    /// A person has agreed, and what they agreed to is no more.
    Withdrawn(String),
    /// Nobody was asked, or what they have decided is not written down.
    ByRule(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self::ByRule(why)
    }
}

impl RunApprover {
    /// Who has agreed. When this returns, the approval is used up on the disk. `waits` is told the number of the request.
    pub(super) async fn ask(&self, asked: &Asked, waits: impl FnOnce(ApprovalId)) -> Result<String, Refused> {
        let wipe = self.look(asked).await?;
        // Asked for longer, a person would agree to a wipe that the limit forestalls, or cuts off.
        let patience = self.ends_at.since(self.clock.monotonic()).saturating_sub(TIME_TO_WIPE);
        if patience.is_zero() {
            return Err("the run's limit wall_ms leaves no time in which a person could decide".to_owned().into());
        }
        let written = |why| format!("it cannot be written down: {}", error_chain(&why));
        let mut request = self.desk.ask(wipe.clone(), patience).await.map_err(written)?;
        waits(request.id());
        let decided = request.decision().await;
        if decided.state != ApprovalState::Approved {
            return Err(Refused::ByPerson(decided));
        }
        // Minutes have passed: a disk may have been taken out, and another one put in its place.
        if let Err(why) = self.compare(asked, &wipe).await {
            return Err(match request.withdraw(why.clone()).await {
                Ok(()) => Refused::Withdrawn(why),
                Err(error) => {
                    tracing::error!(error = %error_chain(&error), "an approval that is of no use is not withdrawn");
                    why.into()
                }
            });
        }
        let compared_at = self.clock.monotonic();
        request.take().await.map_err(written)?;
        // A freeze in between has held that up until its thaw, and much may have happened to a disk meanwhile.
        if self.clock.monotonic().since(compared_at) > LONGEST_SINCE_A_LOOK {
            self.compare(asked, &wipe).await?;
        }
        Ok(decided.by)
    }

    /// Whether the disk is still what a person has agreed to.
    async fn compare(&self, asked: &Asked, wipe: &Wipe) -> Result<(), String> {
        match self.look(asked).await?.has_same_disk(wipe) {
            true => Ok(()),
            false => Err("the disk is not any more what it was when it was agreed to".to_owned()),
        }
    }

    /// The disk as the agent describes it now.
    async fn look(&self, asked: &Asked) -> Result<Wipe, String> {
        let disk = disk::look(&self.agent, &asked.device, &asked.durable_id).await;
        let disk = disk.map_err(|why| error_chain(&why))?;
        let nonce = Desk::nonce().ok_or("the machine has no random number to give")?;
        Ok(self.wipe(asked, disk, nonce))
    }

    fn wipe(&self, asked: &Asked, disk: Disk, nonce: String) -> Wipe {
        let role = match disk.role {
            DiskRole::System => "system".to_owned(),
            DiskRole::Backup => "backup".to_owned(),
            DiskRole::UserData => "user-data".to_owned(),
            DiskRole::Other(role) => role,
        };
        let mut contents = match (disk.data_bearing, disk.data_reason) {
            (true, reason) if reason.is_empty() => "data".to_owned(),
            (_, reason) => reason,
        };
        // A disk that somebody has mounted since is in use, whatever it held before.
        if !disk.mount_path.is_empty() {
            let separator = if contents.is_empty() { "" } else { ", " };
            contents = format!("{contents}{separator}mounted at {}", disk.mount_path);
        }
        Wipe {
            subject: asked.extension.clone(),
            extension_sha256: self.extension_sha256.clone(),
            run: self.run,
            device: asked.device.clone(),
            durable_id: asked.durable_id.clone(),
            fstype: asked.fstype.clone(),
            size_bytes: disk.total_bytes,
            role,
            contents,
            nonce,
        }
    }

    /// For whoever looks for the reason, as no person was asked, or what a person said was not used.
    fn tell(&self, asked: &Asked, why: String) {
        let (at, run) = (self.clock.now(), self.run);
        let text = format!("a wipe of {} is refused: {why}", asked.device);
        let (kind, severity, subject) = (EventKind::ApprovalDecided, Severity::Warning, asked.extension.clone());
        let event = NewEvent { kind, severity, subject, run: Some(run), text };
        if let Err(why) = self.store.writer().post(move |tx| tx.event(at, event)) {
            tracing::error!(error = %error_chain(&why), "an event is not written down");
        }
    }
}

/// Left of the run when a person's time is over: two calls, each with the agent's deadline of 15 s.
const TIME_TO_WIPE: Duration = Duration::from_secs(30);
/// How old a look at the disk may be when it is wiped: far longer than a write takes while nothing is frozen.
const LONGEST_SINCE_A_LOOK: Duration = Duration::from_secs(5);
