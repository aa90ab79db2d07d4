//! Policy extensions: other people's components, which automate disk and backup work through an [`Agent`] and need not
//! be trusted.
//!
//! An extension sees the operations that it is [granted](Grants), and neither endpoint nor token. It has no file,
//! environment or network. What it [uses](Limits) is bounded; whatever it does, a run ends, with its result or a
//! [`RunError`], and the next run works. It cannot confirm for a customer: an [`Approver`] does.
//!
//! ```no_run
//! # async fn run(host: agentapi_host::Host, agent: agentapi_host::Agent) -> Result<(), Box<dyn std::error::Error>> {
//! use agentapi_host::policy::{Grants, Limits};
//!
//! let grants = Grants::from_toml(r#"functions = ["backup.*"]"#)?;
//! let policy = host.load_policy("nightly.wasm", &grants, &Limits::default())?; // refused here if it wants more
//! println!("{}", policy.run(&agent, "{}").await?);
//! # Ok(())
//! # }
//! ```

mod approver;
mod audit;
mod backup_loop;
mod bindings;
mod calls;
mod grants;
mod imports;
mod limits;
mod log;
mod state;
mod wasi;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::time::{sleep, timeout};
use wasmtime::component::{Component, HasData, Linker};
use wasmtime::{Engine, Store, UpdateDeadline};

pub use agentapi_contract::wit::Function;
pub use approver::{AllowOnce, Approver, AskOnTerminal, Deny, Wipe};
pub use audit::{Audit, AuditEntry, AuditFile};
pub use backup_loop::{BackupLoop, BackupOutcome, BackupReport, CallFailure, OnFreezeFailure, ThawOn};
pub use grants::{FUNCTIONS, Grant, GrantError, Grants, Ungranted};
pub use imports::{Imports, LoadError};
pub use limits::{Breach, Limits};
pub use log::{Log, Traced};

use bindings::{PolicyExtension, PolicyExtensionPre};
use calls::Calls;
use log::Printed;
use state::RunState;

use agentapi_quiesce::Coordinator;

use crate::agent::Agent;
use crate::host::Host;
use crate::sandbox::compile;

/// How long an extension that computes lets others run, after each tick.
const PAUSE: Duration = Duration::from_millis(1);

/// An extension that was loaded. Cheap to clone; runs do not see one another.
#[derive(Clone)]
pub struct Policy {
    component: PolicyExtensionPre<RunState>,
    grants: Arc<Grants>,
    limits: Limits,
    watch: Watch,
}

/// Who an extension is, and who watches it.
#[derive(Clone)]
struct Watch {
    name: Arc<str>,
    sha256: Arc<str>,
    approver: Arc<dyn Approver>,
    audit: Option<Arc<dyn Audit>>,
    log: Arc<dyn Log>,
    coordinator: Option<Coordinator>,
}

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The extension says so; the text is its own.
    #[error("the extension failed: {0}")]
    Failed(String),
    /// It went beyond a limit, and was stopped.
    #[error("the extension was stopped")]
    Stopped(#[source] Breach),
    /// It trapped.
    #[error("the extension trapped")]
    Trapped(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Host {
    /// Loads an extension, named after its file.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what it is missing: a grant, an interface that no extension has, or that it is no extension.
    pub fn load_policy(&self, file: impl AsRef<Path>, grants: &Grants, limits: &Limits) -> Result<Policy, LoadError> {
        let file = file.as_ref();
        let wasm = std::fs::read(file).map_err(|why| LoadError::Component(why.into()))?;
        let name = file.file_stem().map_or_else(|| "extension".into(), |stem| stem.to_string_lossy());
        self.load_policy_bytes(&name, &wasm, grants, limits)
    }

    /// Loads an extension from its bytes.
    ///
    /// # Errors
    ///
    /// As [`load_policy`](Self::load_policy).
    pub fn load_policy_bytes(
        &self,
        name: &str,
        wasm: &[u8],
        grants: &Grants,
        limits: &Limits,
    ) -> Result<Policy, LoadError> {
        let engine = self.engines.engine();
        let component = self.compile_policy(wasm)?;
        Imports::of(engine, &component).check(grants)?;
        let component = prepare(engine, &component).map_err(|why| LoadError::Component(why.into()))?;
        let sha256 = hex::encode(Sha256::digest(wasm)).into();
        let (approver, log) = (Arc::new(Deny), Arc::new(Traced));
        let watch = Watch { name: name.into(), sha256, approver, audit: None, log, coordinator: None };
        Ok(Policy { component, grants: Arc::new(grants.clone()), limits: *limits, watch })
    }

    /// What an extension imports: what it would have to be granted.
    ///
    /// # Errors
    ///
    /// [`LoadError::Component`] when it is no component.
    pub fn imports_of_policy(&self, wasm: &[u8]) -> Result<Imports, LoadError> {
        Ok(Imports::of(self.engines.engine(), &self.compile_policy(wasm)?))
    }

    /// Extensions of languages that bring their runtime along take long to compile: they are kept like the client.
    fn compile_policy(&self, wasm: &[u8]) -> Result<Component, LoadError> {
        let compiled = compile(self.engines.engine(), wasm, self.cache_dir.as_deref());
        compiled.map_err(|why| LoadError::Component(why.into()))
    }
}

fn prepare(engine: &Engine, component: &Component) -> wasmtime::Result<PolicyExtensionPre<RunState>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    PolicyExtension::add_to_linker::<_, HasCalls>(&mut linker, |state: &mut RunState| &mut state.calls)?;
    PolicyExtensionPre::new(linker.instantiate_pre(component)?)
}

struct HasCalls;

impl HasData for HasCalls {
    type Data<'a> = &'a mut Calls;
}

impl Policy {
    /// The same extension with somebody to ask before a disk is wiped. [`Deny`] if not set.
    #[must_use]
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.watch.approver = approver;
        self
    }

    /// The same extension with an audit of what it does.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.watch.audit = Some(audit);
        self
    }

    /// The same extension with somebody to take the lines that it prints. [`Traced`] if not set.
    #[must_use]
    pub fn log(mut self, log: Arc<dyn Log>) -> Self {
        self.watch.log = log;
        self
    }

    /// The same extension with applications to freeze. Without this, `quiesce` is denied.
    ///
    /// What a run has frozen is thawed when it ends, however it ends; see [`quiesce`](crate::quiesce).
    #[must_use]
    pub fn quiesce(mut self, coordinator: Coordinator) -> Self {
        self.watch.coordinator = Some(coordinator);
        self
    }

    /// Runs it once. Input and result are JSON texts, whose shape is the extension's own.
    ///
    /// A run that is dropped ends: the instance is gone, and so is a call that it was making.
    ///
    /// # Errors
    ///
    /// [`RunError`]: it failed, trapped, or was stopped at a limit.
    pub async fn run(&self, agent: &Agent, input: &str) -> Result<String, RunError> {
        let begun = Instant::now();
        let outcome = match timeout(self.limits.wall, self.instantiate_and_run(agent, input)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(RunError::Stopped(Breach::Wall(self.limits.wall))),
        };
        self.watch.record("run", outcome.as_ref().map_or_else(RunError::kind, |_| "ok"), begun);
        outcome
    }

    async fn instantiate_and_run(&self, agent: &Agent, input: &str) -> Result<String, RunError> {
        if input.len() > self.limits.input_bytes {
            return Err(RunError::Stopped(Breach::Input(self.limits.input_bytes)));
        }
        let mut store = self.store(agent);
        let extension = self.component.instantiate_async(&mut store).await.map_err(stopped)?;
        let result = extension.felhom_agentapi_policy().call_run(&mut store, input).await.map_err(stopped)?;
        let text = result.as_ref().unwrap_or_else(|text| text);
        if text.len() > self.limits.output_bytes {
            return Err(RunError::Stopped(Breach::Output(self.limits.output_bytes)));
        }
        result.map_err(RunError::Failed)
    }

    fn store(&self, agent: &Agent) -> Store<RunState> {
        let allowed = self.limits.agent_calls;
        let (grants, watch) = (Arc::clone(&self.grants), self.watch.clone());
        let quiesce = watch.coordinator.as_ref().map(|coordinator| coordinator.run(&*watch.name));
        let printed = Printed::new(Arc::clone(&watch.name), Arc::clone(&watch.log), self.limits.log_bytes);
        let calls = Calls { agent: agent.clone(), grants, watch, left: allowed, allowed, quiesce };
        let mut store = Store::new(self.component.engine(), RunState::new(calls, self.limits, &printed));
        store.limiter(|state| state);
        store.call_hook(|mut store, hook| store.data_mut().hook(hook));
        // At each tick the computing is looked at, then the time in all and everybody else's I/O: a runtime with one
        // thread polls its I/O only when no task wants to go on at once, so the extension sleeps for a moment.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            store.data().check_cpu()?;
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(sleep(PAUSE))))
        });
        store
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Watch { name, sha256, .. } = &self.watch;
        f.debug_struct("Policy").field("name", name).field("sha256", sha256).finish_non_exhaustive()
    }
}

impl RunError {
    /// The error's name, as the audit has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Failed(_) => "failed",
            Self::Stopped(_) => "stopped",
            Self::Trapped(_) => "trapped",
        }
    }
}

/// A limit that was breached comes out of the instance as the reason of its trap.
fn stopped(why: wasmtime::Error) -> RunError {
    match why.downcast_ref::<Breach>() {
        Some(breach) => RunError::Stopped(*breach),
        None => RunError::Trapped(why.into()),
    }
}
