//! Takes votes on wipes that wait: each once, and only if somebody has signed it whom this guest's own file allows.
//!
//! What a vote decides is the request at the desk, as a person at the console would. All that comes after that stays as it is:
//! the disks are listed again and compared with what was agreed to, and the approval is used up before the agent is told.

use agentapi_controller::actor::Actor;
use agentapi_controller::approval::{Approval, Verdict};
use agentapi_controller::event::EventKind;
use agentapi_controller::store::StoreError;
use agentapi_host::error_chain;

use crate::guest::inbox::{Inbox, LookError, Source};
use crate::guest::journal::{Known, State, Taken};
use crate::heartbeat::EVERY;
use crate::signed::{Refusal, Signed, Verified};
use crate::vote::{Decision, Vote};

/// The votes on requests of one guest.
pub struct Votes {
    inbox: Inbox<Vote>,
}

impl Votes {
    /// Of this guest. Without a file of allowed signers, each vote is refused.
    pub fn new(source: Source) -> Self {
        Self { inbox: Inbox::new(source, EventKind::VoteRefused, "votes", "votes-refused") }
    }

    /// Looks for ever, as often as the guest sends heartbeats.
    pub async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "votes are looked at later");
            }
            self.inbox.companion.clock.sleep(EVERY).await;
        }
    }

    /// Looks once, and returns when what was voted is decided.
    ///
    /// # Errors
    ///
    /// [`LookError`].
    pub async fn look(&mut self) -> Result<(), LookError> {
        for (signed, vote) in self.inbox.new_ones().await? {
            if let Err(refusal) = self.take(&signed, vote).await? {
                self.inbox.refuse(&signed, &refusal).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, signed: &Signed, vote: Verified<Vote>) -> Result<Result<(), Refusal>, StoreError> {
        let Verified { statement: vote, key } = vote;
        let digest = signed.digest();
        if self.inbox.journal.read().await?.known("", &digest) != Known::Not {
            return Ok(Err(Refusal::Replayed));
        }
        let request = match self.request(&vote) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let actor = Actor::Signer { name: vote.issued_by.clone(), what: format!("key {key}") };
        let (approval, durable_id, reason) = (vote.approval, vote.durable_id.clone(), vote.reason.clone());
        let decision = vote.decision;
        // Used up before it decides: after a crash in between it has decided nothing, and the request is gone with its run.
        self.use_up(digest, vote, request.wipe.run.0).await?;
        let verdict = match decision {
            Decision::Approve => Verdict::Approve { durable_id },
            Decision::Refuse => Verdict::Refuse { reason },
        };
        let decided = self.inbox.companion.desk.decide(approval, verdict, actor).await;
        Ok(decided.map_err(|why| Refusal::Impossible(error_chain(&why))))
    }

    /// The request that a vote is on, if it waits and is what the person has seen.
    fn request(&self, vote: &Vote) -> Result<Approval, Refusal> {
        let id = vote.approval;
        let waiting = self.inbox.companion.approvals.borrow();
        let request = waiting.iter().find(|waiting| waiting.id == id && waiting.digest == vote.digest);
        let request = request.ok_or(Refusal::OtherRequest { id: id.0 })?;
        let (device, durable_id) = (request.wipe.device.clone(), request.wipe.durable_id.clone());
        if device != vote.device || durable_id != vote.durable_id {
            return Err(Refusal::OtherDisk { id: id.0, device, durable_id });
        }
        Ok(request.clone())
    }

    async fn use_up(&self, digest: String, vote: Vote, run: i64) -> Result<(), StoreError> {
        let at = self.inbox.companion.clock.now();
        let Vote { issued_by, not_after, .. } = vote;
        let id = digest.clone();
        let taken = Taken { id, digest, issued_by, not_after, state: State::Done { run }, is_gone: false };
        let use_up = move |journal: &mut crate::guest::journal::Journal| {
            journal.forget(at);
            journal.taken.push(taken);
        };
        self.inbox.journal.change(use_up, None).await
    }
}
