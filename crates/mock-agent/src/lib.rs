//! The mock agent: a stand-in for the host agent, with real TLS, all nine routes and state that behaves.
//!
//! It listens on the loopback interface, serves a fresh self-signed certificate and asks for a bearer token, so a
//! client meets what it meets at a real agent. A backup runs and ends, an ejected disk is gone, a formatted one is
//! blank, and the role of a disk decides whether it is formatted at all. What it starts with is a [`Scenario`];
//! what goes wrong is said by [faults](FaultRule). What arrived can be looked at afterwards.
//!
//! Nothing outlives it: dropping a [`MockAgent`] closes the listener and every connection.

mod backup;
mod certificate;
mod connection;
mod default_scenario;
mod disks;
mod envelope;
mod fault;
mod fault_queue;
mod inventory;
mod listener;
mod outgoing;
mod request_log;
mod routes;
mod scenario;
mod selector;
mod state;
mod tampering;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agentapi_contract::{Fingerprint, Token};
use bytes::Bytes;
use http::{Request, Response};
use rustls::crypto::CryptoProvider;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use backup::{Backup, BackupOutcome};
pub use fault::{Fault, FaultRule, FaultRuleError, Repeat};
pub use inventory::{Disk, HostMetrics, Mount, Role, Smart, StorageTarget, ThinPool};
pub use request_log::Received;
pub use scenario::{BackupScenario, Scenario, ScenarioError};
pub use selector::{RouteSelector, UnknownRoute};
pub use state::State;

use certificate::Certificates;
use fault_queue::FaultQueue;
use listener::ConnectionCount;
use request_log::RequestLog;

/// A running mock agent. Stops when dropped.
pub struct MockAgent {
    address: SocketAddr,
    core: Arc<Core>,
    serving: JoinHandle<()>,
}

impl MockAgent {
    /// Starts one with the default scenario on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// As [`MockAgentBuilder::start`].
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// One with another scenario or address.
    pub fn builder() -> MockAgentBuilder {
        MockAgentBuilder::default()
    }

    /// Where it listens, as `host:port`.
    pub fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// The bearer token it asks for: the scenario's, or a random one of this start.
    pub fn token(&self) -> &str {
        self.core.token.reveal()
    }

    /// The fingerprint of the leaf certificate that new connections meet.
    pub fn fingerprint(&self) -> Fingerprint {
        lock(&self.core.certificates).current().fingerprint
    }

    /// The fingerprint of the leaf certificate after the next rotation, for pinning it beforehand.
    pub fn next_fingerprint(&self) -> Fingerprint {
        lock(&self.core.certificates).next().fingerprint
    }

    /// The DER of the leaf certificate that new connections meet.
    ///
    /// For a client that takes a trusted root in place of a pin: the leaf is self-signed, so it is its own root. Its
    /// names are `localhost`, `127.0.0.1` and `::1`. A client that is given the fingerprint needs nothing of this.
    pub fn leaf_der(&self) -> Vec<u8> {
        lock(&self.core.certificates).current().der.to_vec()
    }

    /// The DER of the leaf certificate after the next rotation, for trusting it beforehand.
    pub fn next_leaf_der(&self) -> Vec<u8> {
        lock(&self.core.certificates).next().der.to_vec()
    }

    /// Serves the next certificate to new connections from now on. Open ones go on under the old.
    ///
    /// # Errors
    /// When no further certificate can be made; the old one stays then.
    pub fn rotate_certificate(&self) -> io::Result<()> {
        self.core.rotate()
    }

    /// Changes what the agent knows, and returns what `change` returns.
    ///
    /// No request is answered meanwhile, so a client sees all of a change or nothing of it. `change` itself must not
    /// call `change` again: it would wait for itself.
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
        change(&mut lock(&self.core.state))
    }

    /// Lets this fault happen to requests on this route, after all faults injected before are used up.
    ///
    /// Connection faults ([`Fault::SlowHandshake`], [`Fault::ConnectionLimit`]) do not look at the route.
    pub fn inject(&self, route: impl Into<RouteSelector>, fault: Fault, repeat: Repeat) {
        let route = route.into();
        self.core.faults.push(FaultRule { route, fault, repeat });
    }

    /// Drops all faults that are left.
    pub fn clear_faults(&self) {
        self.core.faults.clear();
    }

    /// How many connections finished their TLS handshake so far.
    pub fn connections(&self) -> usize {
        self.core.connections.established()
    }

    /// How many TCP connections are open now, in their handshake or after.
    pub fn open_connections(&self) -> usize {
        self.core.connections.open()
    }

    /// The requests that arrived whole so far, in the order of arrival.
    ///
    /// At most the newest 10 000, and of large ones as many as fit into 16 MiB, so that an agent that runs for days
    /// does not fill the memory. [`Self::dropped_requests`] says how many are missing.
    pub fn requests(&self) -> Vec<Received> {
        self.core.requests.requests()
    }

    /// As [`Self::requests`], and forgets them: the next call returns only what has arrived since.
    pub fn take_requests(&self) -> Vec<Received> {
        self.core.requests.take()
    }

    /// How many requests were dropped since the start, because they were the oldest of too many to keep.
    pub fn dropped_requests(&self) -> u64 {
        self.core.requests.dropped()
    }

    /// Stops it, and returns when its port is closed. Dropping stops it too, a moment later.
    pub async fn stop(mut self) {
        self.serving.abort();
        // The only error is the cancellation just asked for.
        let _ = (&mut self.serving).await;
    }
}

impl Drop for MockAgent {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for MockAgent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MockAgent")
            .field("endpoint", &self.endpoint())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// Says what a mock agent starts with.
#[derive(Clone, Debug)]
pub struct MockAgentBuilder {
    scenario: Scenario,
    listen: SocketAddr,
}

impl MockAgentBuilder {
    /// What it knows at the start. By default [`Scenario::default`].
    #[must_use]
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Where it listens. By default a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Starts it on the current tokio runtime; it answers when this returns.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no certificate or token can be made.
    pub async fn start(self) -> io::Result<MockAgent> {
        let mut scenario = self.scenario;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let token = match scenario.token.take() {
            Some(token) => token,
            None => random_token(&provider)?,
        };
        let faults = FaultQueue::default();
        for rule in std::mem::take(&mut scenario.faults) {
            faults.push(rule);
        }
        let core = Arc::new(Core {
            token,
            state: Mutex::new(State::new(scenario)),
            certificates: Mutex::new(Certificates::fresh(provider)?),
            faults,
            connections: Arc::default(),
            requests: RequestLog::default(),
        });
        let tcp = TcpListener::bind(self.listen).await?;
        Ok(MockAgent {
            address: tcp.local_addr()?,
            serving: tokio::spawn(listener::accept_all(tcp, Arc::clone(&core))),
            core,
        })
    }
}

impl Default for MockAgentBuilder {
    fn default() -> Self {
        Self { scenario: Scenario::default(), listen: (Ipv4Addr::LOCALHOST, 0).into() }
    }
}

fn random_token(provider: &CryptoProvider) -> io::Result<Token> {
    let mut bytes = [0; Token::RANDOM_BYTES];
    let filled = provider.secure_random.fill(&mut bytes);
    filled.map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(Token::from_random_bytes(bytes))
}

/// What the accept loop, the connections and the [`MockAgent`] share.
struct Core {
    token: Token,
    state: Mutex<State>,
    certificates: Mutex<Certificates>,
    faults: FaultQueue,
    connections: Arc<ConnectionCount>,
    requests: RequestLog,
}

impl Core {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        routes::answer(request, &self.token, &self.state)
    }

    fn rotate(&self) -> io::Result<()> {
        lock(&self.certificates).rotate()
    }
}

/// Locks, also after a panic elsewhere: every change under these locks is complete at each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
