//! One agent, as a controller sees it: a function for each operation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use agentapi_contract::{Authority, Pins, Route, Token};
use rustls::crypto::CryptoProvider;

use crate::error::Error;
use crate::network::{Client, Credentials, Deadline, random_token};
use crate::observer::Observer;
use crate::permits::Permits;
use crate::records::{
    AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, FormatRequest, FormatResult, MetricsView,
    PendingOp, StorageView,
};
use crate::sandbox::types::Error as ComponentError;
use crate::sandbox::{Call, Engines, Instances};
use crate::target::Target;

/// A client of one agent. Cheap to clone; calls run at once, each on an instance and a connection of its own, up to 32.
/// More wait for their permit within their deadline.
///
/// Every function makes at most one request, or one more where not a byte of the first can have arrived or where it was
/// a GET on a connection that the agent had closed. Any of them fails with any [`Error`], but for those that say
/// otherwise. A future that is dropped ends its call: the connection is closed, so a POST may or may not have arrived.
#[derive(Clone)]
pub struct Agent {
    instances: Arc<Instances>,
    observer: Option<Arc<dyn Observer>>,
    deadline: Duration,
}

/// What the agents of one host have in common.
pub(crate) struct Shared {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Each instance that is alive holds a weak reference to it, and so is counted.
    pub(crate) living: Arc<()>,
}

impl Agent {
    pub(crate) fn new(
        engines: Arc<Engines>,
        shared: &Shared,
        deadline: Duration,
        target: Target,
    ) -> Result<Self, Error> {
        let Target { endpoint, token, pins } = target;
        let Shared { provider, observer, living } = shared;
        let credentials = Arc::new(Credentials::new(token, random_token(provider)?)?);
        let permits = Permits::default();
        let client = Client::new(endpoint, pins, credentials, permits.clone(), Arc::clone(provider))?;
        let instances = Arc::new(Instances::new(engines, Arc::clone(living), Arc::new(client), permits));
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

    /// The fingerprints that are accepted there. They cannot be replaced: connections and TLS sessions must not outlive
    /// their pin, so other pins are another [`Host::agent`](crate::Host::agent).
    pub fn pins(&self) -> &Pins {
        self.instances.client().pins()
    }

    /// Authorises all requests from now on with another token, of this client and of all its clones. Requests that are
    /// under way have gone out with the old one, which is still masked in what comes back.
    ///
    /// # Errors
    ///
    /// [`Error::Component`] when the token cannot be put into a header, which its type rules out.
    pub fn replace_token(&self, token: Token) -> Result<(), Error> {
        self.instances.client().credentials().replace(token)
    }

    /// Makes one request that changes nothing, so that a wrong address, pin or token shows now and not at night.
    /// Source: GET /storage.
    pub async fn check(&self) -> Result<(), Error> {
        self.storage().await.map(drop)
    }

    /// What is mounted in this guest. Source: GET /storage.
    pub async fn storage(&self) -> Result<StorageView, Error> {
        let mut call = self.begin(Some(Route::Storage)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_storage().call_mounts(store)).await?;
        call.end(outcome)
    }

    /// Whether a backup is due, and why. Source: GET /backup/due.
    pub async fn backup_due(&self) -> Result<BackupDue, Error> {
        let mut call = self.begin(Some(Route::BackupDue)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_due(store)).await?;
        call.end(outcome)
    }

    /// Starts a backup and returns at once. Where the error [may have acted](Error::may_have_acted) it may have started:
    /// ask [`backup_status`](Self::backup_status). Source: POST /backup.
    pub async fn start_backup(&self) -> Result<BackupJob, Error> {
        let mut call = self.begin(Some(Route::StartBackup)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_start(store)).await?;
        call.end(outcome)
    }

    /// How far the latest backup is. Source: GET /backup/status.
    pub async fn backup_status(&self) -> Result<BackupStatus, Error> {
        let mut call = self.begin(Some(Route::BackupStatus)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_backup().call_status(store)).await?;
        call.end(outcome)
    }

    /// Every disk that this guest may see. Source: GET /disks.
    pub async fn disks(&self) -> Result<DiskList, Error> {
        let mut call = self.begin(Some(Route::Disks)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_list(store)).await?;
        call.end(outcome)
    }

    /// Mounts a disk. Source: POST /disks/assign.
    pub async fn assign_disk(&self, request: &AssignRequest) -> Result<(), Error> {
        let mut call = self.begin(Some(Route::AssignDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_assign(store, request)).await?;
        call.end(outcome)
    }

    /// Unmounts the disk that is mounted there. Source: POST /disks/eject.
    pub async fn eject_disk(&self, mounted_at: &str) -> Result<EjectResult, Error> {
        let mut call = self.begin(Some(Route::EjectDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_eject(store, mounted_at)).await?;
        call.end(outcome)
    }

    /// Formats a disk, if the agent finds that it may. Source: POST /disks/format.
    ///
    /// # Errors
    ///
    /// [`Error::NeedsConfirmation`]: a user-data disk. Call again with the durable id once the customer confirmed it.
    /// [`Error::FormatRefused`]: a system or backup disk. The operator must sign the pending operation.
    pub async fn format_disk(&self, request: &FormatRequest) -> Result<FormatResult, Error> {
        let mut call = self.begin(Some(Route::FormatDisk)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_format(store, request)).await?;
        call.end(outcome)
    }

    /// How the host is doing. Source: GET /host/metrics.
    pub async fn host_metrics(&self) -> Result<MetricsView, Error> {
        let mut call = self.begin(Some(Route::HostMetrics)).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_host_metrics().call_collect(store)).await?;
        call.end(outcome)
    }

    /// The file system UUID in a durable id, none if it holds none. Makes no request.
    pub async fn fs_uuid(&self, durable_id: &str) -> Result<Option<String>, Error> {
        let mut call = self.begin(None).await?;
        let outcome = call.run(|guest, store| guest.felhom_agentapi_disks().call_fs_uuid(store, durable_id)).await?;
        call.end(Ok::<_, ComponentError>(outcome))
    }

    /// The command that the operator runs to sign a pending operation, quoted for a shell. Makes no request.
    pub async fn opsign_command(&self, pending: &PendingOp) -> Result<String, Error> {
        let mut call = self.begin(None).await?;
        let outcome =
            call.run(|guest, store| guest.felhom_agentapi_disks().call_opsign_command(store, pending)).await?;
        call.end(outcome)
    }

    /// Runs the extension that was plugged onto the component in
    /// [`component_file`](crate::HostBuilder::component_file), once. Input and result are JSON texts, whose shape is the
    /// extension's own; the inner error is what the extension says.
    ///
    /// It is part of the client and trusted like it: there are no grants and no audit, and the only limits are the
    /// client's. The deadline is for the whole run. What is not trusted is run as a [`policy`](crate::policy).
    ///
    /// # Errors
    ///
    /// [`Error::NoPolicy`]: nothing was plugged. [`Error::Component`]: the extension trapped. [`Error::Deadline`]: it
    /// did not return in time. What its requests come to, it is told itself.
    pub async fn run_plugged(&self, input: &str) -> Result<Result<String, String>, Error> {
        let mut call = self.begin(None).await?;
        let outcome = call.run_plugged(input).await?;
        call.end(Ok::<_, ComponentError>(outcome))
    }

    async fn begin(&self, route: Option<Route>) -> Result<Call, Error> {
        let deadline = Deadline::after(self.deadline);
        Call::begin(Arc::clone(&self.instances), self.observer.clone(), route, deadline).await
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
