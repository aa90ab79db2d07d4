//! What a pinned connection is made to: an [`Authority`], and the [`Fingerprint`]s that are accepted there.
//!
//! Both are parsed once, at the edge, by the component and by the host alike, into types that cannot be wrong. Relied on
//! by the host when it compares what the component states with what it was configured with.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod authority;
mod fingerprint;

pub use authority::{Authority, EndpointError};
pub use fingerprint::{Fingerprint, FingerprintError};
