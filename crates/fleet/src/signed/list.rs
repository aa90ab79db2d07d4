//! The key of a guest under which signed statements lie: a short list that signers change by compare-and-set.

use jiff::Timestamp;
use serde_json::Value;

use crate::bus::{Bus, BusError, Entry, Expect};
use crate::name::GuestName;
use crate::signed::{Refusal, Signed, Statement};

/// Statements that lie there for a guest at most.
pub const MAX_LISTED: usize = 8;

/// Why a statement was not put on the bus.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PutError {
    /// The bus did not take it.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// As many as may be are there already.
    #[error("expected fewer than {MAX_LISTED} for {guest} that have not expired, found as many")]
    Full {
        /// The guest.
        guest: GuestName,
    },
}

/// Puts a statement where its guest looks, and takes away what has expired there.
///
/// # Errors
///
/// [`PutError`].
pub async fn put<S: Statement>(
    bus: &dyn Bus,
    guest: &GuestName,
    signed: &Signed,
    now: Timestamp,
) -> Result<(), PutError> {
    let mut left = ATTEMPTS;
    loop {
        let entry = bus.get(S::TABLE, guest.as_str()).await?;
        let expect = entry.as_ref().map_or(Expect::Nothing, |entry| Expect::Revision(entry.revision));
        // What is no list was not put there by a signer, and is of no use to the guest.
        let mut list = entry.and_then(|entry| listed(&entry).ok()).unwrap_or_default();
        list.retain(|signed| not_after(&signed.text).is_some_and(|not_after| not_after > now));
        if list.len() >= MAX_LISTED {
            return Err(PutError::Full { guest: guest.clone() });
        }
        list.push(signed.clone());
        let value = serde_json::to_vec(&list).unwrap_or_default();
        left -= 1;
        match bus.put(S::TABLE, guest.as_str(), value.into(), expect).await {
            // Somebody else has put one there meanwhile.
            Err(BusError::Changed { .. }) if left > 0 => {}
            outcome => return Ok(outcome.map(drop)?),
        }
    }
}

/// What lies there.
///
/// # Errors
///
/// [`Refusal::Unreadable`] where it is no list of statements, or too long.
pub fn listed(entry: &Entry) -> Result<Vec<Signed>, Refusal> {
    let value = entry.value.as_deref().unwrap_or(b"[]");
    if value.len() > MAX_LIST_BYTES {
        return Err(Refusal::Unreadable(format!("expected up to {MAX_LIST_BYTES} bytes, found {}", value.len())));
    }
    let list: Vec<Signed> = serde_json::from_slice(value).map_err(|why| Refusal::Unreadable(why.to_string()))?;
    match list.len() {
        0..=MAX_LISTED => Ok(list),
        found => Err(Refusal::Unreadable(format!("expected up to {MAX_LISTED} in a list, found {found}"))),
    }
}

/// When a statement says that it expires. Not verified: good enough to tidy up.
fn not_after(text: &str) -> Option<Timestamp> {
    let statement: Value = serde_json::from_str(text).ok()?;
    statement.get("not_after")?.as_str()?.parse().ok()
}

/// How often it is tried anew where others change the same list.
const ATTEMPTS: u32 = 10;
/// The longest list that is read, before anything in it is looked at.
const MAX_LIST_BYTES: usize = 128 * 1024;
