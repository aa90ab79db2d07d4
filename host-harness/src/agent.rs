//! The client of one agent, as a controller sees it: a function for each operation.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agentapi_contract::{Authority, Pins, Route, Token};
use bytes::Bytes;
use rustls::crypto::CryptoProvider;

use crate::error::{Error, Phase};
use crate::network::{Client, Credentials, Deadline, random_token};
use crate::observer::{CallSummary, Observer};
use crate::permits::Permits;
use crate::records::{
    AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, FormatRequest, FormatResult, MetricsView,
    PendingOp, StorageView,
};
use crate::sandbox::types::Error as ComponentError;
use crate::sandbox::{Call, Engines, InstanceCount, Instances};
use crate::target::Target;

/// A client of one agent. Cheap to clone. Up to 32 calls run at once, each on an instance and a connection of its own;
/// more wait for a permit, within their deadline.
///
/// Each function makes at most one request. It is sent a second time where not a byte of it can have arrived, and a GET
/// also where an idle connection turns out to have been closed by the agent. Any function may fail with any [`Error`],
/// unless it says otherwise. Dropping the future of a call ends the call: its connection is closed, so a POST may or
/// may not have arrived.
#[derive(Clone)]
pub struct Agent {
    instances: Arc<Instances>,
    observer: Option<Arc<dyn Observer>>,
    deadline: Duration,
}

/// An answer as it came, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawAnswer {
    /// Its HTTP status.
    pub status: u16,
    /// Its body, at most 1 MiB, with this client's secrets masked.
    pub body: Bytes,
}

/// What all agents of one host share.
pub(crate) struct HostContext {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) instances: InstanceCount,
}

impl Agent {
    pub(crate) fn new(
        engines: Arc<Engines>,
        context: &HostContext,
        deadline: Duration,
        target: Target,
        at_hand: Option<Bytes>,
    ) -> Result<Self, Error> {
        let Target { endpoint, token, pins } = target;
        let HostContext { provider, observer, instances: count } = context;
        let credentials = Arc::new(Credentials::new(token, random_token(provider)?)?);
        // Shared by calls, connections and instances: as many of each are kept as calls are running.
        let permits = Permits::default();
        let client = Client::new(endpoint, pins, credentials, permits.clone(), Arc::clone(provider))?;
        let client = client.with_answer_at_hand(at_hand);
        let instances = Arc::new(Instances::new(engines, count.clone(), Arc::new(client), permits));
        Ok(Self { instances, observer: observer.clone(), deadline })
    }

    /// The same client with another deadline: for one call, or for all that are made through the clone.
    ///
    /// ```no_run
    /// # async fn run(agent: agentapi_host::Agent) -> Result<(), agentapi_host::Error> {
    /// use std::time::Duration;
    ///
    /// let metrics = agent.with_deadline(Duration::from_secs(3)).host_metrics().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Where the agent listens.
    pub fn endpoint(&self) -> &Authority {
        self.instances.client().authority()
    }

    /// The fingerprints that are accepted there. They cannot be replaced, because connections and TLS sessions must not
    /// outlive their pin. For other pins, make another client by [`Host::agent`](crate::Host::agent).
    pub fn pins(&self) -> &Pins {
        self.instances.client().pins()
    }

    /// Authorises all further requests of this client and of all its clones with another token. Requests that are under
    /// way were sent with the old one, which is still masked in their answers.
    ///
    /// # Errors
    ///
    /// [`Error::Component`] when the token cannot be the value of a header, which its type rules out.
    pub fn replace_token(&self, token: Token) -> Result<(), Error> {
        self.instances.client().credentials().replace(token)
    }

    /// Makes one request that changes nothing, so that a wrong address, pin or token shows now and not at night.
    ///
    /// Source: GET /storage.
    pub async fn check(&self) -> Result<(), Error> {
        self.storage().await.map(drop)
    }

    /// What is mounted in this guest. Source: GET /storage.
    pub async fn storage(&self) -> Result<StorageView, Error> {
        let mut call = self.start(Some(Route::Storage)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_storage().call_mounts(store)).await;
        call.end(outcome)
    }

    /// Whether a backup is due, and why. Source: GET /backup/due.
    pub async fn backup_due(&self) -> Result<BackupDue, Error> {
        let mut call = self.start(Some(Route::BackupDue)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_due(store)).await;
        call.end(outcome)
    }

    /// Starts a backup and returns at once; it is followed by [`backup_status`](Self::backup_status). After an error
    /// with [`may_have_acted`](Error::may_have_acted) it may have started: ask for the status before starting another.
    /// Source: POST /backup.
    pub async fn start_backup(&self) -> Result<BackupJob, Error> {
        let mut call = self.start(Some(Route::StartBackup)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_start(store)).await;
        call.end(outcome)
    }

    /// How far the latest backup is. Source: GET /backup/status.
    pub async fn backup_status(&self) -> Result<BackupStatus, Error> {
        let mut call = self.start(Some(Route::BackupStatus)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_status(store)).await;
        call.end(outcome)
    }

    /// Every disk that this guest may see. Source: GET /disks.
    pub async fn disks(&self) -> Result<DiskList, Error> {
        let mut call = self.start(Some(Route::Disks)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_list(store)).await;
        call.end(outcome)
    }

    /// Mounts a disk. Source: POST /disks/assign.
    pub async fn assign_disk(&self, request: &AssignRequest) -> Result<(), Error> {
        let mut call = self.start(Some(Route::AssignDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_assign(store, request)).await;
        call.end(outcome)
    }

    /// Unmounts the disk that is mounted there. Source: POST /disks/eject.
    pub async fn eject_disk(&self, mounted_at: &str) -> Result<EjectResult, Error> {
        let mut call = self.start(Some(Route::EjectDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_eject(store, mounted_at)).await;
        call.end(outcome)
    }

    /// Formats a disk, if the agent allows it. Source: POST /disks/format.
    ///
    /// # Errors
    ///
    /// [`Error::NeedsConfirmation`] for a user-data disk: call again with the durable id once the customer has
    /// confirmed it. [`Error::FormatRefused`] for a system or backup disk: the operator must sign the operation.
    pub async fn format_disk(&self, request: &FormatRequest) -> Result<FormatResult, Error> {
        let mut call = self.start(Some(Route::FormatDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_format(store, request)).await;
        call.end(outcome)
    }

    /// How the host is doing. Source: GET /host/metrics.
    pub async fn host_metrics(&self) -> Result<MetricsView, Error> {
        let mut call = self.start(Some(Route::HostMetrics)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_host_metrics().call_collect(store)).await;
        call.end(outcome)
    }

    /// The UUID of the file system that a durable id names; none if it names something else. Makes no request.
    pub async fn fs_uuid(&self, durable_id: &str) -> Result<Option<String>, Error> {
        let mut call = self.start(None).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_fs_uuid(store, durable_id)).await;
        call.end(outcome.map(Ok::<_, ComponentError>))
    }

    /// The command that the operator runs to sign a pending operation, quoted for a shell. Makes no request.
    pub async fn opsign_command(&self, pending: &PendingOp) -> Result<String, Error> {
        let mut call = self.start(None).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_opsign_command(store, pending)).await;
        call.end(outcome)
    }

    /// Makes one request and returns the answer as it came, without the component: for whoever passes answers on or writes
    /// them down. The client's promises hold: the pin, the token, one deadline, the size limit, a POST at most once.
    ///
    /// # Errors
    ///
    /// Those of a request that is not answered whole: [`Error::Unreachable`], [`Error::Tls`], [`Error::PinMismatch`],
    /// [`Error::Interrupted`], [`Error::Deadline`] and [`Error::ResponseTooLarge`]. No status is an error.
    pub async fn exchange(&self, route: Route, body: Bytes) -> Result<RawAnswer, Error> {
        let (client, deadline, started) = (self.instances.client(), Deadline::after(self.deadline), Instant::now());
        let mut summary = CallSummary { route: Some(route), ..CallSummary::default() };
        let outcome = match self.instances.permits().acquire(deadline.at).await {
            None => Err(deadline.error(client.authority(), Some(route), Phase::Queued)),
            Some(_permit) => {
                let exchange = client.exchange(route, body, deadline).await;
                (summary.attempts, summary.is_reused) = (exchange.attempts, exchange.is_reused);
                summary.fingerprint = exchange.leaf;
                exchange.outcome
            }
        };
        summary.outcome = outcome.as_ref().map_or_else(Error::kind, |_| "ok");
        summary.received_bytes = outcome.as_ref().map_or(0, |answer| answer.body.len());
        summary.duration = started.elapsed();
        if let Some(observer) = &self.observer {
            observer.call_ended(&summary);
        }
        outcome.map(|answer| RawAnswer { status: answer.status.as_u16(), body: answer.body })
    }

    /// Runs the extension that was plugged onto the component in
    /// [`component_file`](crate::HostBuilder::component_file), once. Input and result are JSON texts, whose shape is
    /// the extension's own; the inner error is the extension's own failure.
    ///
    /// The extension is part of the client and trusted like it: there are no grants and no audit, and the only limits
    /// are the client's. The deadline is for the whole run. Run what is not trusted as a [`policy`](crate::policy).
    ///
    /// # Errors
    ///
    /// [`Error::NoPolicy`] if nothing is plugged onto the component, [`Error::Component`] if the extension trapped, and
    /// [`Error::Deadline`] if it did not return in time. The outcome of a request is the extension's to handle.
    pub async fn run_plugged(&self, input: &str) -> Result<Result<String, String>, Error> {
        let mut call = self.start(None).await?;
        let outcome = call.run_plugged(input).await;
        call.end(outcome.map(Ok::<_, ComponentError>))
    }

    /// The secrets of this client, for masking.
    pub(crate) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(self.instances.client().credentials())
    }

    async fn start(&self, route: Option<Route>) -> Result<Call, Error> {
        let deadline = Deadline::after(self.deadline);
        Call::start(Arc::clone(&self.instances), self.observer.clone(), route, deadline).await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("endpoint", self.endpoint())
            .field("pins", self.pins())
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
