//! Runs the client component: engines, compiled code, instances, and what an instance may import.
//!
//! ```text
//!  Instances (of one agent)          one call
//!   ├─ idle instances ──────────────▶ Call ── runs an export ──▶ Agentapi (bindings)
//!   └─ Engines                          │                            │ wasi:http/outgoing-handler
//!       ├─ on-demand engine  ─ first    │                            ▼
//!       └─ pooled engine     ─ others   │      outgoing: handle ─▶ Egress: is it one of the nine routes? ─▶ network
//!            │                          │                            │
//!            ▼                          └─ Error::from_component ◀───┴─ why the exchange failed
//!          cache: compiled code, on disk, private to this user
//! ```
//!
//! The component is not trusted with more than it needs: it has no clock, file or socket, the token that it is given is a
//! stand-in, and its requests are read for what they ask and sent anew.

pub(crate) mod bindings;
mod cache;
mod call;
mod component;
mod egress;
mod engines;
mod error;
mod instance;
mod instances;
mod linker;
mod outgoing;
mod store;
pub mod types;

pub use component::{BuildError, embedded};

pub(crate) use cache::compile;
pub(crate) use call::Call;
pub(crate) use component::Source;
pub(crate) use engines::Engines;
pub(crate) use instances::Instances;
