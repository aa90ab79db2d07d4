//! A running mock agent, as the test that started it sees it.

mod builder;

use std::net::SocketAddr;
use std::sync::Arc;
use std::{fmt, io};

use agentapi_contract::Fingerprint;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::fault::{Fault, FaultRule, Repeat};
use crate::listener::accept_all;
use crate::lock::lock;
use crate::request_log::ReceivedRequest;
use crate::selector::RouteSelector;
use crate::shared::Shared;
use crate::state::State;

pub use builder::MockAgentBuilder;

/// A running mock agent. Stops when dropped.
pub struct MockAgent {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// Starting and stopping.
impl MockAgent {
    /// Starts an agent with [`Scenario::default`](crate::Scenario) on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// As [`MockAgentBuilder::start`].
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts from another scenario, or on another address.
    pub fn builder() -> MockAgentBuilder {
        MockAgentBuilder::default()
    }

    /// Serves this listener's connections until the agent is dropped.
    pub(crate) fn serve(tcp: TcpListener, shared: Shared) -> io::Result<Self> {
        let (address, shared) = (tcp.local_addr()?, Arc::new(shared));
        let serving = tokio::spawn(accept_all(tcp, Arc::clone(&shared)));
        Ok(Self { address, shared, serving })
    }

    /// Stops the agent, and returns when its port is closed. Dropping stops it too, a moment later.
    pub async fn stop(mut self) {
        self.serving.abort();
        // The only error is the cancellation that was just asked for.
        let _ = (&mut self.serving).await;
    }
}

/// What a client is configured with.
impl MockAgent {
    /// The agent's endpoint, as `host:port`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// The bearer token that the agent asks for: the scenario's, or one made at random for this agent.
    pub fn token(&self) -> &str {
        self.shared.token.reveal()
    }

    /// The fingerprint of the leaf certificate that new connections are presented.
    pub fn fingerprint(&self) -> Fingerprint {
        lock(&self.shared.certificates).current().fingerprint
    }

    /// The fingerprint of the leaf certificate after the next rotation, for pinning it beforehand.
    pub fn next_fingerprint(&self) -> Fingerprint {
        lock(&self.shared.certificates).next().fingerprint
    }

    /// The DER of the leaf certificate that new connections are presented.
    ///
    /// For a client that takes a trusted root in place of a pin: the leaf is self-signed, so it is its own root. It is
    /// valid for the names `localhost`, `127.0.0.1` and `::1`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use agentapi_mock::MockAgent;
    /// use rustls::{ClientConfig, RootCertStore};
    /// use tokio::net::TcpStream;
    /// use tokio_rustls::TlsConnector;
    ///
    /// let agent = MockAgent::start().await?;
    /// let mut roots = RootCertStore::empty();
    /// roots.add(agent.leaf_der().into())?;
    /// let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let tcp = TcpStream::connect(agent.endpoint()).await?;
    /// TlsConnector::from(Arc::new(config)).connect("localhost".try_into()?, tcp).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn leaf_der(&self) -> Vec<u8> {
        lock(&self.shared.certificates).current().der.to_vec()
    }

    /// The DER of the leaf certificate after the next rotation, for trusting it beforehand.
    pub fn next_leaf_der(&self) -> Vec<u8> {
        lock(&self.shared.certificates).next().der.to_vec()
    }
}

/// What a test changes while the agent runs.
impl MockAgent {
    /// Changes what the agent knows, and returns what `change` returns.
    ///
    /// No request is answered meanwhile, so a client sees all of a change or nothing of it. `change` must not call
    /// [`MockAgent::change`] on the same agent: it would wait for itself.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use agentapi_mock::{BackupOutcome, Disk, MockAgent};
    ///
    /// let agent = MockAgent::start().await?;
    /// let was_running = agent.change(|state| {
    ///     state.disks.push(Disk { name: "plugged-in".to_owned(), ..Disk::default() });
    ///     state.host.cpu_percent = 99.0;
    ///     state.backup.make_due("policy changed");
    ///     state.backup.finish(BackupOutcome::Failed("no space left".to_owned()))
    /// });
    /// assert!(!was_running);
    /// # Ok(())
    /// # }
    /// ```
    pub fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut lock(&self.shared.state))
    }

    /// Lets a fault happen to requests on this route, after the faults injected before it are used up.
    ///
    /// Connection faults ([`Fault::SlowHandshake`], [`Fault::ConnectionLimit`]) disregard the route.
    pub fn inject(&self, route: impl Into<RouteSelector>, fault: Fault, repeat: Repeat) {
        self.shared.faults.push(FaultRule::new(route, fault, repeat));
    }

    /// Drops all faults that are left.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Presents the next certificate to new connections from now on. Open ones go on under the old one.
    ///
    /// # Errors
    /// When no certificate can be made to follow the next one. Then nothing changes.
    pub fn rotate_certificate(&self) -> io::Result<()> {
        self.shared.rotate_certificate()
    }
}

/// What a test looks at afterwards.
impl MockAgent {
    /// How many connections have finished their TLS handshake so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.established()
    }

    /// How many TCP connections are open now, in their handshake or after it.
    pub fn open_connections(&self) -> usize {
        self.shared.connections.open()
    }

    /// The requests that have arrived whole so far, in the order of arrival.
    ///
    /// At most the newest [`MAX_KEPT_REQUESTS`], and of large ones as many as fit into [`MAX_KEPT_BYTES`], so that an
    /// agent that runs for days does not fill the memory. [`Self::dropped_requests`] says how many are missing.
    ///
    /// [`MAX_KEPT_BYTES`]: crate::MAX_KEPT_BYTES
    /// [`MAX_KEPT_REQUESTS`]: crate::MAX_KEPT_REQUESTS
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.requests()
    }

    /// As [`Self::requests`], and forgets them: the next call returns only what has arrived since.
    pub fn take_requests(&self) -> Vec<ReceivedRequest> {
        self.shared.requests.take()
    }

    /// How many requests were dropped since the start, because they were the oldest of too many to keep.
    pub fn dropped_requests(&self) -> u64 {
        self.shared.requests.dropped()
    }
}

impl Drop for MockAgent {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Does not show the token.
impl fmt::Debug for MockAgent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MockAgent")
            .field("endpoint", &self.endpoint())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}
