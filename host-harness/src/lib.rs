//! Runs the agentapi component: the client of a host agent, with an enforced certificate pin.
//!
//! ```no_run
//! use agentapi_host::{Connection, Host};
//!
//! # async fn run() -> Result<(), agentapi_host::Error> {
//! let host = Host::builder().cache_dir("/var/cache/controller").build()?; // once for the process
//! let connection = Connection::parse("10.0.0.1:8443", "guest-token", ["3F:8A:.."])?;
//! let agent = host.connect(&connection).await?; // cheap; clone it, call it from anywhere
//! if agent.backup_due().await?.due {
//!     agent.start_backup().await?;
//! }
//! # Ok(())
//! # }
//! ```

mod agent;
mod bindings;
mod call;
mod client;
mod component;
mod connect;
mod connection;
mod egress;
mod error;
mod host;
mod instance;
pub mod json;
mod mask;
pub mod mock;
mod pin;
mod presented;
mod route;
mod token;

pub use agent::Agent;
pub use agentapi_pinning::{Authority, EndpointError, Fingerprint, FingerprintError};
pub use component::embedded as embedded_component;
pub use connection::Connection;
pub use error::{Error, Phase};
pub use host::{DEFAULT_DEADLINE, Host, HostBuilder};
pub use pin::PinMismatch;
pub use presented::{PresentedLeaf, presented_leaf};
pub use route::Route;
pub use token::{Token, TokenError};

/// The records of `felhom:agentapi/types`; their documentation is in `wit/types.wit`.
pub use bindings::felhom::agentapi::types;

pub(crate) use bindings::felhom::agentapi::pinning;
