//! The host: the engines with the compiled component, and what all its agents share.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::crypto::ring;

use crate::agent::{Agent, HostContext};
use crate::error::Error;
use crate::observer::Observer;
use crate::sandbox::loader::{LoadLimits, Loader, Loading};
use crate::sandbox::{BuildError, Cache, ComponentSource, DEFAULT_CACHE_BYTES, Engines, InstanceCount};
use crate::target::Target;

/// The time that a call may take, from looking the name up to the last byte of the answer, unless set otherwise.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(15);

/// Runs the component for any number of agents. Make one for the process; cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) engines: Arc<Engines>,
    pub(crate) loader: Arc<Loader>,
    deadline: Duration,
    context: Arc<HostContext>,
}

impl Host {
    /// Settings of a new host; [`build`](HostBuilder::build) makes it.
    pub fn builder() -> HostBuilder {
        HostBuilder {
            source: ComponentSource::Embedded,
            cache_dir: None,
            cache_bytes: DEFAULT_CACHE_BYTES,
            loading: Loading::default(),
            load_limits: LoadLimits::default(),
            deadline: DEFAULT_DEADLINE,
            observer: None,
        }
    }

    /// Makes a client of one agent. This is cheap and sends nothing: a wrong token, pin or address shows at the first
    /// call, for example [`Agent::check`].
    ///
    /// Two clients of the same target share neither connections nor the limit of 32 calls; clones of one do.
    ///
    /// # Errors
    ///
    /// [`Error::Component`] when the system gives no random numbers for the token's stand-in.
    pub fn agent(&self, target: Target) -> Result<Agent, Error> {
        Agent::new(Arc::clone(&self.engines), &self.context, self.deadline, target, None)
    }

    /// Makes a client that sends nothing: each of its requests is answered with status 200 and this body. What is left of a
    /// call is what the sandbox takes; `benches/compare` measures that.
    ///
    /// # Errors
    ///
    /// As of [`agent`](Self::agent).
    #[doc(hidden)]
    pub fn agent_with_answer_at_hand(&self, target: Target, body: Bytes) -> Result<Agent, Error> {
        Agent::new(Arc::clone(&self.engines), &self.context, self.deadline, target, Some(body))
    }

    /// The same host with another deadline for the agents that it makes from now on.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// How many client instances are alive, of all agents: those that serve a call and those that are idle. For a
    /// controller's own metrics.
    pub fn instances(&self) -> usize {
        self.context.instances.get()
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
    source: ComponentSource,
    cache_dir: Option<PathBuf>,
    cache_bytes: u64,
    loading: Loading,
    load_limits: LoadLimits,
    deadline: Duration,
    observer: Option<Arc<dyn Observer>>,
}

impl HostBuilder {
    /// Keeps compiled code in this directory, so that the next start does not compile. It is created if it is not
    /// there. Only this user may be able to write to it: the code in it is run. Each file is used only if it has the
    /// SHA-256 with which it was written; a damaged one is replaced, with a warning. Without a directory, every start
    /// compiles.
    #[must_use]
    pub fn cache_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cache_dir = Some(dir.into());
        self
    }

    /// Keeps at most this many bytes of compiled code, 512 MiB if not set. When more is written, what was not used for
    /// longest is removed.
    #[must_use]
    pub fn cache_bytes(mut self, bytes: u64) -> Self {
        self.cache_bytes = bytes;
        self
    }

    /// Where components are compiled that are not part of this library: extensions, and a
    /// [`component_file`](Self::component_file). In this process if not set; [`loader`](crate::loader) shows how it is done
    /// in a child, which is what a controller should do that loads what others have written.
    #[must_use]
    pub fn loading(mut self, loading: Loading) -> Self {
        self.loading = loading;
        self
    }

    /// What compiling such a component may take.
    #[must_use]
    pub fn load_limits(mut self, limits: LoadLimits) -> Self {
        self.load_limits = limits;
        self
    }

    /// Runs the component in this file instead of the one that this library holds. Compiling it is bounded as that of an
    /// extension is; once it runs, it is trusted like our own. It may have an extension plugged onto it, for
    /// [`Agent::run_plugged`].
    #[must_use]
    pub fn component_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.source = ComponentSource::File(file.into());
        self
    }

    /// The time that a call may take, from looking the name up to the last byte of the answer.
    /// [`DEFAULT_DEADLINE`] if not set; [`Agent::with_deadline`] sets it for single calls.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Passes a summary of each call to this observer, of all agents.
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
        let cache = self.cache_dir.map(|dir| Cache { dir, max_bytes: self.cache_bytes });
        let loader = Arc::new(Loader { loading: self.loading, limits: self.load_limits, cache });
        let engines = Arc::new(Engines::new(&self.source, &loader)?);
        // Passed on to every TLS configuration and never installed as the process's default, which is the embedder's.
        let provider = Arc::new(ring::default_provider());
        let context = Arc::new(HostContext { provider, observer: self.observer, instances: InstanceCount::default() });
        Ok(Host { engines, loader, deadline: self.deadline, context })
    }
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, cache_dir, loading, deadline, .. } = self;
        f.debug_struct("HostBuilder")
            .field("source", source)
            .field("cache_dir", cache_dir)
            .field("loading", loading)
            .field("deadline", deadline)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use agentapi_mock::MockAgent;
    use tokio::task::yield_now;
    use tokio::time::{advance, pause, resume};

    use super::{Duration, Host, Target};

    #[tokio::test]
    async fn what_is_idle_ends_by_time() {
        let mock = MockAgent::start().await.unwrap();
        let host = Host::builder().build().unwrap();
        let target = Target::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()]).unwrap();
        let agent = host.agent(target).unwrap();
        agent.storage().await.unwrap();
        assert_eq!((mock.open_connections(), host.instances()), (1, 1));
        // The clock stands still from here on, but for what the test lets pass.
        pause();
        let pass = async |seconds| {
            advance(Duration::from_secs(seconds)).await;
            // Tasks that are due run. The mock sees that a connection is closed by an event of the system.
            for _ in 0..10_000 {
                yield_now().await;
            }
        };
        pass(59).await;
        assert_eq!((mock.open_connections(), host.instances()), (1, 1));
        pass(2).await;
        assert_eq!((mock.open_connections(), host.instances()), (0, 1));
        pass(238).await;
        assert_eq!(host.instances(), 1);
        pass(2).await;
        assert_eq!(host.instances(), 0);
        resume();
        agent.storage().await.unwrap();
        assert_eq!((mock.connections(), host.instances()), (2, 1));
    }

    #[tokio::test]
    async fn where_the_pool_is_full_instances_are_made_without_it() {
        let host = Host::builder().build().unwrap();
        let target = Target::parse("agent", "guest-token", ["ab".repeat(32)]).unwrap();
        let mut agents = Vec::new();
        // The first instance is not from the pool, and the last one finds it full.
        while agents.len() < host.engines.pool_slots().map_or(2, |slots| slots + 2) {
            let agent = host.agent(target.clone()).unwrap();
            assert_eq!(agent.fs_uuid("uuid:6c1e").await.unwrap().as_deref(), Some("6c1e"));
            agents.push(agent);
        }
        assert!(agents.len() > 2, "there is no pool");
        assert_eq!(host.instances(), agents.len());
        for agent in &agents {
            assert_eq!(agent.fs_uuid("uuid:6c1e").await.unwrap().as_deref(), Some("6c1e"));
        }
        drop(agents);
        assert_eq!(host.instances(), 0);
    }
}
