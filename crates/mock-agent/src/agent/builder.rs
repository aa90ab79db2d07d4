//! How a mock agent is started: with which scenario, and where it listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use super::MockAgent;
use crate::scenario::Scenario;
use crate::shared::Shared;

/// Starts a mock agent with another scenario or address than [`MockAgent::start`]. From [`MockAgent::builder`].
#[derive(Clone, Debug)]
pub struct MockAgentBuilder {
    scenario: Scenario,
    listen: SocketAddr,
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

    /// Starts the agent on the current tokio runtime. It accepts connections when this returns.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no certificate or token can be made.
    ///
    /// # Panics
    /// Outside a tokio runtime whose I/O and timers are enabled.
    pub async fn start(self) -> io::Result<MockAgent> {
        let shared = Shared::new(self.scenario)?;
        let tcp = TcpListener::bind(self.listen).await?;
        MockAgent::serve(tcp, shared)
    }
}

impl Default for MockAgentBuilder {
    fn default() -> Self {
        Self { scenario: Scenario::default(), listen: (Ipv4Addr::LOCALHOST, 0).into() }
    }
}
