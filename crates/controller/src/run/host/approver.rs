//! A wipe that an extension asks for: shown to a person as the agent describes the disk, and looked at again before the yes is
//! used.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{Approver, Decision, Wipe as Asked};
use agentapi_host::records::{Disk, DiskRole};
use agentapi_host::{Agent, error_chain};

use crate::approval::{ApprovalState, Desk, Wipe};
use crate::clock::{Clock, Monotonic};
use crate::event::{EventKind, NewEvent, Severity};
use crate::run::RunId;
use crate::store::Store;

/// Asks for one run.
pub(super) struct RunApprover {
    pub(super) desk: Desk,
    pub(super) store: Store,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) agent: Agent,
    pub(super) run: RunId,
    /// When the run's wall-clock limit ends it.
    pub(super) ends_at: Monotonic,
    pub(super) extension_sha256: String,
}

impl Approver for RunApprover {
    fn approves<'a>(&'a self, asked: &'a Asked) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        Box::pin(async move {
            match self.ask(asked).await {
                Ok(by) => Decision::approved().made_by(by),
                Err(Refused { by, why }) => {
                    if let Some(why) = why {
                        self.tell(asked, why);
                    }
                    let decision = Decision::refused();
                    if by.is_empty() { decision } else { decision.made_by(by) }
                }
            }
        })
    }
}

/// A no, and the reason where no person gave it.
struct Refused {
    by: String,
    why: Option<String>,
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self { by: String::new(), why: Some(why) }
    }
}

impl RunApprover {
    /// Who has agreed. When this returns, the approval is used up on the disk.
    async fn ask(&self, asked: &Asked) -> Result<String, Refused> {
        let wipe = self.look(asked).await?;
        // Asked for longer, a person would agree to a wipe that the limit forestalls, or cuts off.
        let patience = self.ends_at.since(self.clock.monotonic()).saturating_sub(TIME_TO_WIPE);
        if patience.is_zero() {
            return Err("the run's limit wall_ms leaves no time in which a person could decide".to_owned().into());
        }
        let written = |why| format!("it cannot be written down: {}", error_chain(&why));
        let mut request = self.desk.ask(wipe.clone(), patience).await.map_err(written)?;
        let decided = request.decision().await;
        if decided.state != ApprovalState::Approved {
            return Err(Refused { by: decided.by, why: None });
        }
        // Minutes have passed: a disk may have been taken out, and another one put in its place.
        let why = match self.look(asked).await {
            Ok(now) if now.has_same_disk(&wipe) => {
                request.take().await.map_err(written)?;
                return Ok(decided.by);
            }
            Ok(_) => "the disk is not any more what it was when it was agreed to".to_owned(),
            Err(why) => why,
        };
        match request.withdraw(why.clone()).await {
            // An event has said it.
            Ok(()) => Err(Refused { by: String::new(), why: None }),
            Err(error) => {
                tracing::error!(error = %error_chain(&error), "an approval that is of no use is not withdrawn");
                Err(why.into())
            }
        }
    }

    /// The disk as the agent describes it now.
    async fn look(&self, asked: &Asked) -> Result<Wipe, String> {
        let disks = self.agent.disks().await;
        let disks =
            disks.map_err(|why| format!("the agent cannot be asked for its disks: {}", error_chain(&why)))?.disks;
        let mut named = disks.into_iter().filter(|disk| disk.backing_device == asked.device);
        let disk = match (named.next(), named.next()) {
            (Some(disk), None) => disk,
            (None, _) => return Err("the agent lists no such device".to_owned()),
            (Some(_), Some(_)) => return Err("the agent lists that device twice".to_owned()),
        };
        if disk.durable_id != asked.durable_id || asked.durable_id.is_empty() {
            return Err(format!("its durable id is {}, and not {}", disk.durable_id, asked.durable_id));
        }
        let role = match disk.role {
            // The agent would refuse as well; nobody is to be asked for what they may not decide.
            DiskRole::System | DiskRole::Backup => return Err("only the operator of the host may wipe it".to_owned()),
            DiskRole::UserData => "user-data".to_owned(),
            DiskRole::Other(ref role) => role.clone(),
        };
        let nonce = Desk::nonce().ok_or("the machine has no random number to give")?;
        Ok(self.wipe(asked, disk, role, nonce))
    }

    fn wipe(&self, asked: &Asked, disk: Disk, role: String, nonce: String) -> Wipe {
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
