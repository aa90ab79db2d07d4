//! From an authority to a whole answer: name, TCP, TLS with the pin, HTTP/1.1. Nothing here knows of WebAssembly.
//!
//! ```text
//!  Client::exchange(route, body, deadline)
//!    ├─ idle connection?  IdleConnections::take ──▶ attempt ──▶ stale, and may be sent again? ──┐ once
//!    └─ none ──▶ connect: name ▸ TCP ▸ TLS (LeafVerifier) ▸ HTTP/1.1 ──▶ attempt ◀──────────────┘
//!                          addresses   handshake, socket   driver, stream,│
//!                                                          head           │
//!                                                                         │
//!              Credentials: puts the token in, masks secrets ◀────────────┴──▶ Answer, read to its end
//! ```
//!
//! Each agent has a [`Client`] with a TLS configuration, session store and idle connections of its own. A pool that is
//! keyed by address alone would use a connection under a pin that it was not made under, and a resumed TLS session does
//! not present the certificate again.

mod addresses;
mod client;
mod connect;
mod credentials;
mod deadline;
mod driver;
mod handshake;
mod head;
mod idle;
mod mask;
mod pin;
mod presented;
mod signatures;
mod socket;
mod stream;

pub use mask::Mask;
pub use pin::pinned_tls;
pub use presented::{PresentedLeaf, presented_leaf};

pub(crate) use client::{Answer, Client};
pub(crate) use credentials::{Credentials, random_token};
pub(crate) use deadline::Deadline;
