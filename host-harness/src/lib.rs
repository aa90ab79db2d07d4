//! Runs the agentapi component: the client of a host agent, in a sandbox, with an enforced certificate pin.
//!
//! # Embedding
//!
//! One [`Host`] for the process, one [`Agent`] for each agent. This example is complete: it talks to a
//! [mock agent](mock) over real TLS.
//!
//! ```
//! use agentapi_host::mock::MockAgent;
//! use agentapi_host::{Connection, Error, Host};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! # let cache = dir.path();
//! // Once: engine, linker and compiled component. The cache makes the next start quick.
//! let host = Host::builder().cache_dir(cache).build()?;
//!
//! // What the agent's operator gave to this guest. Here, a stand-in for the agent.
//! let mock = MockAgent::start().await?;
//! let connection = Connection::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()])?;
//!
//! // Cheap. Clone it, share it, call it from any task: calls run at once.
//! let agent = host.connect(&connection).await?;
//! let due = agent.backup_due().await?;
//! println!("backup due: {} ({})", due.due, due.reason);
//! match agent.start_backup().await {
//!     Ok(job) => println!("started {}", job.job_id),
//!     // It may have started: ask, do not start another one.
//!     Err(Error::Interrupted { .. } | Error::Deadline { .. }) => println!("{:?}", agent.backup_status().await?),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does for you
//!
//! - **Pin.** A connection is used only if the peer presents a pinned leaf certificate *and proves that it holds its
//!   key*; anything else is [`Error::PinMismatch`], before a request is sent. Give two pins while a certificate is changed.
//! - **Egress.** The component reaches the pinned authority over https, on the nine [routes](Route) of the API, and
//!   nothing else. Redirects are not followed, proxy variables not read.
//! - **Token.** It stays in the host; the component is given a stand-in. It is in no log, error or debug text.
//! - **Time.** One deadline for a whole call ([`DEFAULT_DEADLINE`]), from the name to the last byte.
//! - **Once.** A POST is sent again only if not a byte of it can have arrived.
//! - **Whole.** A body that ends early is [`Error::Interrupted`], even if what came is complete JSON.
//!
//! # What it needs
//!
//! A tokio runtime with I/O and time. No crypto provider has to be installed, and none is. A future that is dropped ends
//! its call: the connection is closed, so a POST may or may not have arrived. Any number of calls to one agent may be
//! made at once; up to 32 run, the others wait within their deadline.
//!
//! Causes are in [`source`](std::error::Error::source), never in an error's own text: print the whole chain once.
//! [`json`] has the records in the agent's own shape, [`presented_leaf`] shows a certificate before it is pinned.

mod agent;
mod bindings;
mod call;
mod client;
mod component;
mod connect;
mod connection;
mod egress;
mod engines;
mod error;
mod host;
mod idle;
mod instance;
pub mod json;
mod mask;
pub mod mock;
mod operation;
mod outgoing;
mod pin;
pub mod policy;
mod presented;
pub mod quiesce;
mod request;
mod route;
mod token;

pub use agent::Agent;
pub use agentapi_contract::{Authority, EndpointError, Fingerprint, FingerprintError};
pub use component::embedded as embedded_component;
pub use connection::Connection;
pub use error::{Error, Phase};
pub use host::{DEFAULT_DEADLINE, Host, HostBuilder};
pub use operation::Operation;
pub use pin::PinMismatch;
pub use presented::{PresentedLeaf, presented_leaf};
pub use request::Request;
pub use route::Route;
pub use token::{Token, TokenError};

/// The records of `felhom:agentapi/types`; their documentation is in `wit/types.wit`.
pub use bindings::felhom::agentapi::types;

pub(crate) use bindings::felhom::agentapi::pinning;
