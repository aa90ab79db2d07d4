//! Runs the client component: engines, compiled code, instances, and what an instance may import.
//!
//! ```text
//!  Instances of one agent                one call
//!   ├─ idle instances ─────────────────▶ Call ── runs an export ──▶ Agentapi (bindings)
//!   └─ Engines                             │                            │ wasi:http/outgoing-handler
//!       ├─ on-demand engine: the first     │                            ▼
//!       └─ pooled engine: the others       │     outgoing: handle ─▶ Egress: one of the nine routes? ─▶ network
//!            │                             │                            │
//!            ▼                             └─ Error::from_component ◀───┴─ the host's own error, with its cause
//!          cache: compiled code, on disk, private to this user
//! ```
//!
//! The component is trusted with no more than it needs. It has no clock, file or socket. The token that it is given is
//! a stand-in. Its requests are not forwarded: the host reads which route they ask for, and sends a request of its own.

pub(crate) mod bindings;
mod cache;
mod call;
pub(crate) mod code;
mod component;
mod egress;
mod engines;
mod epochs;
mod error;
mod exchanges;
mod instance;
mod instance_count;
mod instances;
mod linker;
pub mod loader;
mod outgoing;
mod store;
pub mod types;

pub use component::{BuildError, embedded};

pub(crate) use cache::{Cache, DEFAULT_CACHE_BYTES};
pub(crate) use call::Call;
pub(crate) use component::ComponentSource;
pub(crate) use engines::Engines;
pub(crate) use epochs::EpochClock;
pub(crate) use instance_count::InstanceCount;
pub(crate) use instances::Instances;
