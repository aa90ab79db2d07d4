//! Votes: decisions of people on wipes that wait on a guest, from far. A vote is bound to one request by its digest, names the
//! disk in words that a person has read, and is used once.

use agentapi_controller::approval::{ApprovalId, wipe_digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::bus::Table;
use crate::name::GuestName;
use crate::order::CLOCK_SLACK;
use crate::signed::Statement;

/// A vote. The fields stand in the order of the signed text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The number of the request.
    pub approval: ApprovalId,
    /// Yes or no.
    pub decision: Decision,
    /// The device that is to be wiped.
    pub device: String,
    /// SHA-256 of all that the request says, in hex.
    pub digest: String,
    /// The durable id of the disk.
    pub durable_id: String,
    /// The guest that asks.
    pub guest: GuestName,
    /// The signer's name: a principal in the guest's file of allowed signers.
    pub issued_by: String,
    /// Until when it counts.
    pub not_after: Timestamp,
    /// From when on it counts.
    pub not_before: Timestamp,
    /// Why; may be empty.
    pub reason: String,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The disk may be wiped.
    Approve,
    /// It may not.
    Refuse,
}

/// A request as a guest's inventory has it, of which everything that is shown is known to be in its digest.
#[derive(Clone, Debug, PartialEq)]
pub struct WipeRequest {
    /// The guest that asks.
    pub guest: GuestName,
    /// The number of the request.
    pub id: ApprovalId,
    /// The device that is to be wiped.
    pub device: String,
    /// The durable id of the disk.
    pub durable_id: String,
    /// SHA-256 of [`fields`](Self::fields), in hex.
    pub digest: String,
    /// Until when it can be decided, by the guest's clock.
    pub expires_at: Timestamp,
    /// All that the digest binds, for people to read.
    pub fields: Map<String, Value>,
}

/// A request that is not to be signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It has not the fields of a request.
    #[error("expected a request with {0}, found none")]
    Missing(&'static str),
    /// What is shown is not what the digest is of: who carries it has changed one of them.
    #[error("expected the digest of what the request shows, {expected}, found {found}")]
    OtherDigest {
        /// Of what is shown.
        expected: String,
        /// What it says.
        found: String,
    },
}

impl WipeRequest {
    /// From an element of [`Inventory::approvals`](crate::inventory::Inventory::approvals).
    ///
    /// # Errors
    ///
    /// [`RequestError`]: then nobody may sign it.
    pub fn read(guest: GuestName, value: &Value) -> Result<Self, RequestError> {
        let text = |key: &'static str| value.get(key).and_then(Value::as_str).ok_or(RequestError::Missing(key));
        let mut fields = Map::new();
        for key in BOUND {
            let field = value.get(key).ok_or(RequestError::Missing(key))?;
            fields.insert(key.to_owned(), field.clone());
        }
        let expected = wipe_digest(&Value::Object(fields.clone()));
        let found = text("digest")?.to_owned();
        if found != expected {
            return Err(RequestError::OtherDigest { expected, found });
        }
        Ok(Self {
            guest,
            id: ApprovalId(value.get("id").and_then(Value::as_i64).ok_or(RequestError::Missing("id"))?),
            device: text("device")?.to_owned(),
            durable_id: text("durable_id")?.to_owned(),
            digest: found,
            expires_at: text("expires_at")?.parse().map_err(|_| RequestError::Missing("expires_at"))?,
            fields,
        })
    }
}

impl Vote {
    /// A vote on a request, that counts for as long as the request can be decided.
    pub fn on(request: &WipeRequest, decision: Decision, issued_by: &str, reason: &str, now: Timestamp) -> Self {
        let WipeRequest { guest, id, device, durable_id, digest, expires_at, .. } = request.clone();
        Self {
            approval: id,
            decision,
            device,
            digest,
            durable_id,
            guest,
            issued_by: issued_by.to_owned(),
            not_after: expires_at,
            not_before: now - CLOCK_SLACK,
            reason: reason.to_owned(),
        }
    }
}

impl Statement for Vote {
    const NAMESPACE: &'static str = "agentapi-approval";
    const TABLE: Table = Table::Vote;
    const KIND: &'static str = "vote";

    fn title(&self) -> String {
        format!("vote on approval {}", self.approval)
    }

    fn guest(&self) -> &GuestName {
        &self.guest
    }

    fn issued_by(&self) -> &str {
        &self.issued_by
    }

    fn not_before(&self) -> Timestamp {
        self.not_before
    }

    fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

/// The fields that a request's digest binds.
const BOUND: [&str; 10] =
    ["contents", "device", "durable_id", "extension_sha256", "fstype", "nonce", "role", "run", "size_bytes", "subject"];
