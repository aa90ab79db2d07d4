//! Why a guest does not do what was put on the bus for it.

use jiff::Timestamp;

use crate::name::GuestName;

/// Why a guest refuses a signed statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no signature, or none of a kind that can be verified.
    #[error("expected an SSH signature by a key of a known kind: {0}")]
    BadSignature(String),
    /// The file of allowed signers cannot be used. It is looked at again.
    #[error("the allowed signers are not known: {0}")]
    NoSigners(String),
    /// The key is not in the file of allowed signers, or not for this name or now.
    #[error("expected a key of the allowed signers, found {key}{}", of(name))]
    UnknownSigner {
        /// Its fingerprint.
        key: String,
        /// Whose it is said to be; empty where that is not known.
        name: String,
    },
    /// It was signed for something else, or the key may not sign this.
    #[error("expected a signature in the namespace {expected}, found {found}")]
    WrongNamespace {
        /// The namespace that is required.
        expected: &'static str,
        /// Which it is, or which the key is for.
        found: String,
    },
    /// The text is not what was signed.
    #[error("the text is not what the key {key} has signed")]
    Altered {
        /// The fingerprint of the key in the signature.
        key: String,
    },
    /// What was signed is not understood.
    #[error("it is not understood: {0}")]
    Unreadable(String),
    /// It is for another guest.
    #[error("it is for the guest {found}")]
    OtherGuest {
        /// Which.
        found: GuestName,
    },
    /// Its time has not come, by the guest's clock.
    #[error("it counts from {not_before} on")]
    NotYet {
        /// When.
        not_before: Timestamp,
    },
    /// Its time is over, by the guest's clock.
    #[error("its time was over at {not_after}")]
    Expired {
        /// When.
        not_after: Timestamp,
    },
    /// It would count for more than a day.
    #[error("expected that it counts for a day at most")]
    TooLong,
    /// It was taken before, or one that its signer has issued later was.
    #[error("it was taken before, or a later one of its signer was")]
    Replayed,
    /// It was issued before the guest's memory begins, such as that of a guest whose damaged state was set aside.
    #[error("it was issued before {since}, and from then on it is known what was done: it may have been done already")]
    Unremembered {
        /// When the memory begins.
        since: Timestamp,
    },
    /// There is nothing here that it could be done to.
    #[error("{0}")]
    Impossible(String),
    /// The request that it decides on does not wait here, or is another one.
    #[error("no request {id} with this digest waits")]
    OtherRequest {
        /// The number of the request.
        id: i64,
    },
    /// It names another disk than the request that it decides on.
    #[error("it names another disk than request {id}, which is to wipe {device} ({durable_id})")]
    OtherDisk {
        /// The number of the request.
        id: i64,
        /// The device of the request.
        device: String,
        /// The durable id of the request.
        durable_id: String,
    },
}

impl Refusal {
    /// Its name in events.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BadSignature(_) => "bad-signature",
            Self::NoSigners(_) => "no-signers",
            Self::UnknownSigner { .. } => "unknown-signer",
            Self::WrongNamespace { .. } => "wrong-namespace",
            Self::Altered { .. } => "altered",
            Self::Unreadable(_) => "unreadable",
            Self::OtherGuest { .. } => "other-guest",
            Self::NotYet { .. } => "not-yet",
            Self::Expired { .. } => "expired",
            Self::TooLong => "too-long",
            Self::Replayed => "replayed",
            Self::Unremembered { .. } => "unremembered",
            Self::Impossible(_) => "impossible",
            Self::OtherRequest { .. } => "other-request",
            Self::OtherDisk { .. } => "other-disk",
        }
    }
}

fn of(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!(" as {name:?}") }
}
