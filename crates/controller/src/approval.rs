//! Wipes that wait for a person: what is asked, what was decided, and that each decision is used once.
//!
//! ```text
//!              approve ─► approved ─► used        the POST is sent after this is on the disk
//! asked ─► waiting ┼ refuse ─► refused
//!              ├ 15 minutes ─► expired
//!              └ the run, or the controller, has ended ─► withdrawn  (also after `approved`)
//! ```

mod desk;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::config::extension::WIPE;
use crate::event::names;
use crate::run::RunId;

pub use desk::{Desk, Verdict, VerdictError, Waiting};

/// The number of a request, unique in one state folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ApprovalId(pub i64);

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is to be wiped, as the agent described it when it was asked for. Each field is bound by the digest: a disk that has
/// become another one, or a run that is another one, is not what was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Wipe {
    /// The extension's name; `wipe` where a user of the API asks.
    pub subject: String,
    /// SHA-256 of the extension's bytes, in hex; the user where one of the API asks, as the kernel says it.
    pub extension_sha256: String,
    /// The run that asks.
    pub run: RunId,
    /// The device, such as `/dev/sdb1`.
    pub device: String,
    /// The disk's durable id.
    pub durable_id: String,
    /// The file system to be made.
    pub fstype: String,
    /// The disk's size in bytes.
    pub size_bytes: i64,
    /// What the disk is used for, in the agent's words.
    pub role: String,
    /// What the agent has found on it; empty where it has found nothing.
    pub contents: String,
    /// Random, so that no two requests are the same.
    pub nonce: String,
}

impl Wipe {
    /// SHA-256 of all of it, in hex: what a decision is about.
    pub fn digest(&self) -> String {
        wipe_digest(&serde_json::json!(self))
    }

    /// The extension, or the user of the API.
    pub(crate) fn asked_by(&self) -> &str {
        if self.subject == WIPE { &self.extension_sha256 } else { &self.subject }
    }

    /// Whether the disk is still as it was when a person was asked. The run and the nonce are the request's own.
    pub(crate) fn has_same_disk(&self, now: &Self) -> bool {
        let disk = |wipe: &Self| {
            let Self { device, durable_id, size_bytes, role, contents, .. } = wipe.clone();
            (device, durable_id, size_bytes, role, contents)
        };
        disk(self) == disk(now)
    }
}

/// SHA-256 of what a request says, in hex: of its JSON text, whose quotes keep the fields apart. Its keys are sorted here,
/// because a JSON object keeps them sorted in one build and as they came in another.
pub fn wipe_digest(request: &serde_json::Value) -> String {
    let fields: BTreeMap<_, _> = request.as_object().into_iter().flatten().collect();
    let text = serde_json::to_string(&fields).unwrap_or_default();
    hex::encode(digest(&SHA256, text.as_bytes()))
}

/// What a user of the API wants wiped.
#[derive(Debug)]
pub struct WipeOrder {
    /// The device, such as `/dev/sdb1`.
    pub device: String,
    /// The disk's durable id.
    pub durable_id: String,
    /// The file system to be made.
    pub fstype: String,
    /// Told the number of the request when a person is asked; dropped where none ever is.
    pub waits: oneshot::Sender<ApprovalId>,
}

/// A wipe that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[non_exhaustive]
pub struct Approval {
    /// Its number.
    pub id: ApprovalId,
    /// What is to be wiped.
    #[serde(flatten)]
    pub wipe: Wipe,
    /// SHA-256 of what is to be wiped, in hex: what a decision is about.
    pub digest: String,
    /// How far it is.
    pub state: ApprovalState,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Until when it can be decided.
    pub expires_at: Timestamp,
    /// When it was decided, or its time was over; none while it waits.
    pub decided_at: Option<Timestamp>,
    /// Who decided, as the kernel says it, or the signer and key where it was by a signature; empty where nobody has.
    pub decided_by: String,
    /// Why; empty where nobody has said.
    pub reason: String,
}

names! {
    /// How far a request is.
    ApprovalState {
        /// A person is to decide.
        Waiting = "waiting",
        /// Somebody has agreed; the disk has not been looked at again yet.
        Approved = "approved",
        /// The disk was as it was shown, and the agent was told to wipe it. An approval is used once.
        Used = "used",
        /// Somebody has refused.
        Refused = "refused",
        /// Nobody has decided in time.
        Expired = "expired",
        /// It was of no use any more: the run or the controller had ended, or the disk was another one.
        Withdrawn = "withdrawn",
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Wipe {
    Wipe {
        subject: "wiper".into(),
        extension_sha256: "ab".repeat(32),
        run: RunId(1),
        device: "/dev/sdb1".into(),
        durable_id: "uuid:0f3c".into(),
        fstype: "ext4".into(),
        size_bytes: 1 << 40,
        role: "user-data".into(),
        contents: "ext4 file system".into(),
        nonce: "00".repeat(16),
    }
}

#[cfg(test)]
mod tests {
    use super::{RunId, Wipe, sample};

    #[test]
    fn each_field_is_bound_by_the_digest() {
        let other = "other".to_owned();
        let others = [
            Wipe { subject: other.clone(), ..sample() },
            Wipe { extension_sha256: other.clone(), ..sample() },
            Wipe { run: RunId(2), ..sample() },
            Wipe { device: other.clone(), ..sample() },
            Wipe { durable_id: other.clone(), ..sample() },
            Wipe { fstype: other.clone(), ..sample() },
            Wipe { size_bytes: 1, ..sample() },
            Wipe { role: other.clone(), ..sample() },
            Wipe { contents: other.clone(), ..sample() },
            Wipe { nonce: other, ..sample() },
        ];
        for (index, wipe) in others.iter().enumerate() {
            assert_ne!(wipe.digest(), sample().digest(), "{wipe:?}");
            // Device, durable id, size, role, contents.
            assert_eq!(wipe.has_same_disk(&sample()), ![3, 4, 6, 7, 8].contains(&index), "{wipe:?}");
        }
        assert_eq!(sample().digest(), sample().digest());
    }
}
