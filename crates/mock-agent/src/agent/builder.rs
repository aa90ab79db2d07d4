//! How a mock agent is started: with which scenario, and where it listens.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::MockAgent;
use crate::clock::BackupClock;
use crate::recording::{Player, Recording};
use crate::scenario::Scenario;
use crate::shared::Shared;
use crate::upstream::Upstream;

/// Starts a mock agent with another scenario or address than [`MockAgent::start`]. From [`MockAgent::builder`].
#[derive(Clone)]
pub struct MockAgentBuilder {
    scenario: Scenario,
    listen: SocketAddr,
    replay: Option<Recording>,
    replay_speed: Option<f64>,
    upstream: Option<Arc<dyn Upstream>>,
    clock: BackupClock,
}

impl MockAgentBuilder {
    /// What the agent knows at the start. By default [`Scenario::default`].
    #[must_use]
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Where the agent listens; port 0 takes a free one. By default a free port of 127.0.0.1.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Answers by this recording in place of the scenario, of which only the token and the faults are used then.
    ///
    /// Each operation has its answers in the order of the recording. Where a GET is asked for more often than recorded,
    /// the last answer is repeated, for clients that poll. A POST beyond the recorded ones, and whatever was never
    /// recorded, is refused with status 410 and a text that says so.
    #[must_use]
    pub fn replay(mut self, recording: Recording) -> Self {
        self.replay = Some(recording);
        self
    }

    /// Lets each answer of a recording take its recorded time, divided by `speed`. By default it is there at once.
    #[must_use]
    pub fn replay_speed(mut self, speed: f64) -> Self {
        self.replay_speed = Some(speed);
        self
    }

    /// Takes the answers from elsewhere, rather than from a scenario or a recording.
    #[must_use]
    pub fn upstream(mut self, upstream: Arc<dyn Upstream>) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// The time since some moment, by which backups run. By default the system's.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::time::Duration;
    ///
    /// use agentapi_mock::MockAgent;
    ///
    /// let hours = Arc::new(AtomicU64::new(0));
    /// let clock = Arc::clone(&hours);
    /// let agent = MockAgent::builder().clock(move || Duration::from_secs(3600 * clock.load(Ordering::SeqCst)));
    /// let agent = agent.start().await?;
    /// // A backup that is started here is done after this line.
    /// hours.fetch_add(4, Ordering::SeqCst);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn clock(mut self, elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = BackupClock::of(elapsed);
        self
    }

    /// Starts the agent on the current tokio runtime. It accepts connections when this returns.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no certificate or token can be made.
    ///
    /// # Panics
    /// Outside a tokio runtime whose I/O and timers are enabled.
    pub async fn start(self) -> io::Result<MockAgent> {
        let player =
            self.replay.map(|recording| Arc::new(Player::new(recording, self.replay_speed)) as Arc<dyn Upstream>);
        let shared = Shared::new(self.scenario, self.clock, self.upstream.or(player))?;
        let tcp = TcpListener::bind(self.listen).await?;
        MockAgent::serve(tcp, shared)
    }
}

impl Default for MockAgentBuilder {
    fn default() -> Self {
        Self {
            scenario: Scenario::default(),
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            replay: None,
            replay_speed: None,
            upstream: None,
            clock: BackupClock::default(),
        }
    }
}

impl fmt::Debug for MockAgentBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, listen, .. } = self;
        formatter
            .debug_struct("MockAgentBuilder")
            .field("scenario", scenario)
            .field("listen", listen)
            .finish_non_exhaustive()
    }
}
