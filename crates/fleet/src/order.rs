//! Orders: "back up now", signed by a person for one guest. What a guest is to do as a rule is a wish, and needs none.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bus::Table;
use crate::name::GuestName;
use crate::signed::Statement;

/// An order. The fields stand in the order of the signed text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The guest that is to obey.
    pub guest: GuestName,
    /// What tells it from all other orders.
    pub id: String,
    /// The signer's name: a principal in the guest's file of allowed signers.
    pub issued_by: String,
    /// Until when it may be obeyed.
    pub not_after: Timestamp,
    /// From when on it may be obeyed.
    pub not_before: Timestamp,
    /// What is to be done.
    pub op: Op,
    /// Greater than that of each earlier order by the same key: a guest that has obeyed one takes no earlier one any more.
    pub seq: u64,
}

/// What can be ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    /// A backup now, whatever the schedule says.
    Backup,
}

impl Order {
    /// An order that counts from now on for so long. Its number is the time in microseconds, so that who signs at two
    /// machines need not remember numbers.
    pub fn new(guest: GuestName, op: Op, issued_by: &str, now: Timestamp, valid_for: SignedDuration) -> Self {
        let seq = u64::try_from(now.as_microsecond()).unwrap_or_default();
        let issued_by = issued_by.to_owned();
        let hash = Sha256::digest(format!("{guest}\n{issued_by}\n{seq}"));
        let id = hex::encode(hash.get(..ID_BYTES).unwrap_or_default());
        let (not_before, not_after) = (now - CLOCK_SLACK, now + valid_for);
        Self { guest, id, issued_by, not_after, not_before, op, seq }
    }
}

impl Statement for Order {
    const NAMESPACE: &'static str = "agentapi-order";
    const TABLE: Table = Table::Order;
    const KIND: &'static str = "order";

    fn title(&self) -> String {
        // It may be asked before the signature is verified.
        let is_id = self.id.len() <= 2 * ID_BYTES && self.id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_id { format!("order {}", self.id) } else { "order".to_owned() }
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

/// A guest's clock may be so far behind the signer's: minutes, as those of machines are that have lost their time server.
pub const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);
const ID_BYTES: usize = 16;
