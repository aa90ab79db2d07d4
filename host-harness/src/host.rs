//! The host: the engines with the compiled component, and the settings that all agents share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;

use crate::component::Source;
use crate::engines::Engines;
use crate::{Agent, Connection, Error};

/// The time that a call may take, from looking the name up to the last byte of the answer, unless set otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(15);
/// A longer deadline is as good as none, and cannot be added to every clock.
const MAX_DEADLINE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Runs the component for any number of agents. Make one for the process; cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) engines: Arc<Engines>,
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) deadline: Duration,
    pub(crate) cache_dir: Option<PathBuf>,
    /// Each instance that is alive holds a weak reference to it.
    pub(crate) living: Arc<()>,
}

impl Host {
    /// A host with the settings of your choice.
    pub fn builder() -> HostBuilder {
        HostBuilder { source: Source::Embedded, cache_dir: None, deadline: DEFAULT_DEADLINE }
    }

    /// The same host with another deadline for the calls of the agents that it connects from now on.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(MAX_DEADLINE), ..self.clone() }
    }

    /// Makes a client of one agent. Sends nothing: a wrong token, pin or address shows at the first call.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`] when there is no pin, or more than eight.
    pub async fn connect(&self, connection: &Connection) -> Result<Agent, Error> {
        Agent::connect(self, connection).await
    }

    /// The client instances that are alive, of all agents: those that serve a call, and those kept for the next. For
    /// a controller's own metrics.
    pub fn instances(&self) -> usize {
        Arc::weak_count(&self.living)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Settings of a [`Host`].
#[derive(Clone, Debug)]
pub struct HostBuilder {
    source: Source,
    cache_dir: Option<PathBuf>,
    deadline: Duration,
}

impl HostBuilder {
    /// Where compiled code is kept, so that the next start does not compile. Made if it is not there. It must be
    /// writable by this user only: what lies there is run. Without it, every start compiles.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(dir.into());
        self
    }

    /// Runs the component in this file instead of the one that this library holds. It is trusted like it: it may be one
    /// with an extension plugged onto it, for [`Agent::run_plugged`].
    #[must_use]
    pub fn component_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.source = Source::File(file.into());
        self
    }

    /// The time that a call may take, from looking the name up to the last byte of the answer.
    /// [`DEFAULT_DEADLINE`] if not set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(MAX_DEADLINE);
        self
    }

    /// Loads the component, compiling it if the cache does not have it.
    ///
    /// # Errors
    ///
    /// [`Error::Component`] when it cannot be read or compiled, or imports what this host does not give.
    pub fn build(self) -> Result<Host, Error> {
        let engines = Arc::new(Engines::new(&self.source, self.cache_dir.as_deref())?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(Host { engines, provider, deadline: self.deadline, cache_dir: self.cache_dir, living: Arc::default() })
    }
}
