//! What the client component, its host and the mock agent agree on: where an agent is ([`Authority`]), how it is known
//! ([`Fingerprint`], [`Pins`]), what authorises a guest ([`Token`]), what can be asked for ([`Route`]), how large
//! an answer may be ([`MAX_BODY_BYTES`]), and what of its texts may be shown ([`visible`]).
//!
//! Each is parsed once, at the edge, into a type that cannot hold a wrong value, and by the same code on both sides of
//! the sandbox. That matters for the pin: the host compares what the component states with what it was configured with,
//! and two parsers that disagree on one spelling would refuse a good connection or, worse, accept another one.
//!
//! ```
//! use agentapi_contract::{Authority, Fingerprint, Pins, Route, Token};
//!
//! let authority: Authority = "Agent.example".parse()?;
//! assert_eq!(authority.to_string(), "agent.example:443");
//!
//! let pin: Fingerprint = "3f8a00".repeat(11)[..64].parse()?;
//! assert!(pin.to_string().starts_with("3F:8A:00:3F"));
//! assert!(Pins::from(pin).contains(&pin));
//!
//! let token: Token = "token-of-a-guest".parse()?;
//! assert_eq!(format!("{token:?}"), "Token(***)");
//!
//! assert_eq!(Route::BackupDue.to_string(), "GET /backup/due");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `serde` reads and writes these types in configurations, as the texts that people use.
//!
//! `no_std`, because the component has no standard library.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod authority;
#[cfg(feature = "serde")]
mod config;
mod fingerprint;
mod pins;
mod route;
#[cfg(feature = "serde")]
mod serde;
mod smart;
mod text;
mod token;
pub mod wit;

pub use authority::{Authority, EndpointError};
#[cfg(feature = "serde")]
pub use config::config_error;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use pins::{Pins, PinsError};
pub use route::{Method, Route};
pub use smart::SmartVerdict;
pub use text::{MAX_EXCERPT_BYTES, excerpt, is_visible, visible, visible_json};
pub use token::{End, Token, TokenError};

/// The largest body of an answer, in bytes: 1 MiB. That is some hundred times what the API answers with, and small
/// enough to be held in memory for each of many concurrent calls.
///
/// Component and host both stop reading there, whatever the framing announces, so that neither relies on the other.
pub const MAX_BODY_BYTES: u64 = 1024 * 1024;
