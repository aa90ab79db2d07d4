//! The mock agent: a stand-in for the host agent, with real TLS, all nine routes and state that behaves.
//!
//! It listens on the loopback interface, serves a fresh self-signed certificate and asks for a bearer token, so a
//! client goes through what it goes through with a real agent. A backup runs and ends, an ejected disk is gone, a
//! formatted one is blank, and the role of a disk decides whether it is formatted at all.
//!
//! | to | use |
//! | --- | --- |
//! | choose what it knows at the start | [`Scenario`], in code or from a file |
//! | change what it knows while it runs | [`MockAgent::change`] |
//! | let something go wrong | [`MockAgent::inject`], or [`FaultRule`]s in the scenario |
//! | see what the client did | [`MockAgent::requests`], [`MockAgent::connections`] |
//! | answer as a real agent did | [`MockAgentBuilder::replay`], with a [`Recording`] |
//! | present another certificate | [`MockAgent::rotate_certificate`] |
//! | let hours of a backup pass in a moment | [`MockAgentBuilder::clock`] |
//!
//! Dropping a [`MockAgent`] closes the listener and every connection; nothing outlives it. Its memory is bounded
//! however long it runs: of the requests it keeps the newest only, and of a body that is too large nothing.
//!
//! # Example
//!
//! A test of a client that starts a backup, loses the answer, and must find out what became of it:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use agentapi_mock::{BackupOutcome, Fault, MockAgent, Repeat, Route, Scenario};
//!
//! let scenario = Scenario::from_toml("backup = { duration_ms = 3_600_000 }")?;
//! let agent = MockAgent::builder().scenario(scenario).start().await?;
//! agent.inject(Route::StartBackup, Fault::CloseBeforeAnswer, Repeat::Times(1));
//!
//! // All that a client is configured with.
//! let (endpoint, token, pin) = (agent.endpoint(), agent.token(), agent.fingerprint());
//! # let client = async |method: &str, path: &str| {
//! #     use std::sync::Arc;
//! #     use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! #     let mut roots = rustls::RootCertStore::empty();
//! #     roots.add(agent.leaf_der().into()).unwrap();
//! #     let provider = Arc::new(rustls::crypto::ring::default_provider());
//! #     let config = rustls::ClientConfig::builder_with_provider(provider)
//! #         .with_safe_default_protocol_versions()
//! #         .unwrap()
//! #         .with_root_certificates(roots)
//! #         .with_no_client_auth();
//! #     let tcp = tokio::net::TcpStream::connect(&endpoint).await.unwrap();
//! #     let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
//! #     let mut tls = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap();
//! #     let request = format!(
//! #         "{method} {path} HTTP/1.1\r\nhost: agent\r\nauthorization: Bearer {token}\r\n\
//! #          connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
//! #     );
//! #     tls.write_all(request.as_bytes()).await.unwrap();
//! #     let mut answer = String::new();
//! #     tls.read_to_string(&mut answer).await.unwrap();
//! #     answer
//! # };
//! # assert_ne!(pin, agent.next_fingerprint());
//!
//! // Here the client starts a backup and gets no answer, though the agent has begun one.
//! # assert_eq!(client("POST", "/backup").await, "");
//!
//! let was_running = agent.change(|state| state.backup.finish(BackupOutcome::Failed("no space left".into())));
//! assert!(was_running);
//!
//! // Here the client asks for the backup's status, and learns that it failed.
//! # assert!(client("GET", "/backup/status").await.contains(r#""error":"no space left""#));
//!
//! let paths: Vec<_> = agent.requests().into_iter().map(|request| request.path).collect();
//! assert_eq!(paths, ["/backup", "/backup/status"], "a POST is not sent twice");
//! # Ok(())
//! # }
//! ```

mod agent;
mod backup;
mod certificate;
mod clock;
mod connection;
mod connection_count;
mod default_scenario;
mod disks;
mod envelope;
mod fault;
mod fault_queue;
mod inventory;
mod listener;
mod lock;
mod outgoing;
mod recording;
mod request_log;
mod routes;
mod scenario;
mod selector;
mod shared;
mod state;
mod tampering;
mod upstream;

pub use agent::{MockAgent, MockAgentBuilder};
pub use agentapi_contract::{Fingerprint, Route, Token};
pub use backup::{Backup, BackupOutcome};
pub use fault::{Fault, FaultRule, FaultRuleError, Repeat};
pub use inventory::{Disk, HostMetrics, Mount, Role, Smart, StorageTarget, ThinPool};
pub use recording::{Failure, Outcome, RecordedExchange, Recording, RecordingError, RecordingWriter};
pub use request_log::{MAX_KEPT_BYTES, MAX_KEPT_REQUESTS, ReceivedRequest};
pub use scenario::{BackupScenario, LatestBackup, Scenario, ScenarioError};
pub use selector::{RouteSelector, UnknownRoute};
pub use state::State;
pub use upstream::Upstream;
