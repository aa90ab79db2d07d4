//! The host: the engines with the compiled component, and the settings that all agents share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::agent::{Agent, Shared};
use crate::error::Error;
use crate::observer::Observer;
use crate::sandbox::{BuildError, Engines, Source};
use crate::target::Target;

/// The time that a call may take, from looking the name up to the last byte of the answer, unless set otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(15);

/// Runs the component for any number of agents. Make one for the process; cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) engines: Arc<Engines>,
    pub(crate) cache_dir: Option<PathBuf>,
    deadline: Duration,
    shared: Arc<Shared>,
}

impl Host {
    /// A host with the settings of your choice.
    pub fn builder() -> HostBuilder {
        let (source, cache_dir) = (Source::Embedded, None);
        HostBuilder { source, cache_dir, deadline: DEFAULT_DEADLINE, observer: None }
    }

    /// Makes a client of one agent. Cheap, and sends nothing: a wrong token, pin or address shows at the first call, or
    /// when you ask for it with [`Agent::check`].
    ///
    /// # Errors
    ///
    /// [`Error::Component`] when the system gives no random numbers for the token's stand-in.
    pub fn agent(&self, target: Target) -> Result<Agent, Error> {
        Agent::new(Arc::clone(&self.engines), &self.shared, self.deadline, target)
    }

    /// The same host with another deadline for the agents that it makes from now on.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The client instances that are alive, of all agents: those that serve a call, and those kept for the next. For
    /// a controller's own metrics.
    pub fn instances(&self) -> usize {
        Arc::weak_count(&self.shared.living)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

/// Settings of a [`Host`].
#[derive(Clone)]
pub struct HostBuilder {
    source: Source,
    cache_dir: Option<PathBuf>,
    deadline: Duration,
    observer: Option<Arc<dyn Observer>>,
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
    /// [`DEFAULT_DEADLINE`] if not set; [`Agent::with_deadline`] sets it for single calls.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Is told of every call that ends, of all agents.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Loads the component, compiling it if the cache does not have it.
    ///
    /// Blocks: about a millisecond where it was compiled before, else some 150 ms of computing, or a second where the
    /// compiler itself was built without optimisation. Call it before the runtime has other work, or by
    /// `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`BuildError`] when the component cannot be read or compiled, or imports what this host does not give.
    pub fn build(self) -> Result<Host, BuildError> {
        let engines = Arc::new(Engines::new(&self.source, self.cache_dir.as_deref())?);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let shared = Arc::new(Shared { provider, observer: self.observer, living: Arc::default() });
        Ok(Host { engines, cache_dir: self.cache_dir, deadline: self.deadline, shared })
    }
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, cache_dir, deadline, .. } = self;
        f.debug_struct("HostBuilder")
            .field("source", source)
            .field("cache_dir", cache_dir)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}
