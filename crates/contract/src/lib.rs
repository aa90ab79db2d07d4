//! What the client component, its host and the mock agent agree on: where an agent is ([`Authority`]), how it is known
//! ([`Fingerprint`], [`Pins`]), what authorises a guest ([`Token`]), what can be asked for ([`Route`]), and how large an
//! answer may be ([`MAX_BODY_BYTES`]).
//!
//! Each is parsed once, at the edge, into a type that cannot be wrong, and by the same code on both sides of the sandbox.
//! That matters for the pin: the host compares what the component states with what it was configured with, and two
//! parsers that disagree on one spelling would refuse a good connection or, worse, accept another one.
//!
//! `no_std`, because the component has no standard library.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod authority;
mod fingerprint;
mod pins;
mod route;
#[cfg(feature = "serde")]
mod serde;
mod token;
pub mod wit;

pub use authority::{Authority, EndpointError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use pins::{Pins, PinsError};
pub use route::{Method, Route};
pub use token::{Token, TokenError};

/// The largest body of an answer, in bytes: 1 MiB, some hundred times what the API answers with, and little enough to
/// hold in memory for each of many calls. Component and host both stop reading there, whatever the framing says, so that
/// neither has to rely on the other.
pub const MAX_BODY_BYTES: u64 = 1024 * 1024;
