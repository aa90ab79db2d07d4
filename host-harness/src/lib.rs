//! Runs the agentapi component: the client of a host agent, in a sandbox, with an enforced certificate pin.
//!
//! # Embedding
//!
//! Make one [`Host`] for the process and one [`Agent`] for each agent. This is `examples/quickstart.rs`, which runs as
//! it stands: `cargo run --example quickstart`.
//!
//! ```
#![doc = include_str!("../quickstart.rs")]
//! ```
//!
//! # What it does for you
//!
//! - **Pin.** A connection is used only if the peer presents a pinned leaf certificate *and proves that it holds its
//!   key*; anything else is [`Error::PinMismatch`], before a request is sent. Give two pins while a certificate
//!   changes.
//! - **Egress.** The component reaches the pinned authority over https, on the nine [routes](Route) of the API, and
//!   nothing else. Redirects are not followed, and variables that name a proxy are not read.
//! - **Token.** It stays in the host; the component is given a stand-in. It is in no log, error or debug text.
//! - **Time.** One deadline bounds a whole call, from the lookup of the name to the last byte ([`DEFAULT_DEADLINE`]).
//! - **Never twice.** A POST is sent again only if not a byte of it can have arrived.
//! - **Never half.** A body that ends early is [`Error::Interrupted`], even if the part that arrived is complete JSON.
//!
//! # What it needs
//!
//! A tokio runtime with I/O and time. No crypto provider has to be installed, and none is. Any number of calls to one
//! agent may be made at once; up to 32 run, and the others wait within their deadline. [`HostBuilder::build`],
//! [`Host::load_policy`] and the functions like it block, because they compile; they say for how long.
//!
//! Causes are in [`source`](std::error::Error::source), never in an error's own text: print the whole chain once, for
//! example with [`error_chain`].
//!
//! # Where things are
//!
//! | to do | see |
//! | --- | --- |
//! | ask an agent | [`Agent`], [`records`] |
//! | run other people's components | [`policy`] |
//! | compile them in a process of their own | [`loader`] |
//! | hold applications still for a backup | [`quiesce`] |
//! | see an answer before it is read as a record | [`Agent::exchange`], [`Mask`] |
//! | count calls | [`Observer`] |
//! | look at a certificate before it is pinned | [`presented_leaf`] |
//! | pin another peer than an agent | [`pinned_tls`] |
//! | show a text that an agent or an extension wrote | [`visible`], [`visible_json`] |

// A guest of Proxmox is Linux, and so are the system calls that freeze and thaw. Said here in one line, rather than by the
// errors of everything that uses them.
#[cfg(not(target_os = "linux"))]
compile_error!("agentapi-host runs on Linux only: it freezes and thaws by Linux system calls");

mod agent;
mod error;
mod host;
mod idle;
mod network;
mod observer;
mod permits;
pub mod policy;
pub mod records;
mod sandbox;
mod sha256;
mod target;

pub use agent::{Agent, RawAnswer};
pub use agentapi_contract::{
    Authority, EndpointError, Fingerprint, FingerprintError, Method, Pins, PinsError, Route, Token, TokenError,
    is_visible, visible, visible_json,
};
pub use agentapi_quiesce as quiesce;
pub use agentapi_quiesce::error_chain;
pub use error::{Error, Phase, PinMismatch};
pub use host::{DEFAULT_DEADLINE, Host, HostBuilder};
pub use network::{Mask, PresentedLeaf, pinned_tls, presented_leaf};
pub use observer::{CallSummary, Observer};
pub use sandbox::loader;
pub use sandbox::{BuildError, embedded as embedded_component};
pub use target::Target;
