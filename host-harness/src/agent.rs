//! One agent, as a controller sees it: a function for each operation.

use std::fmt;
use std::sync::Arc;

use crate::call::{Call, Instances};
use crate::client::Client;
use crate::mask::Mask;
use crate::types::{
    AssignRequest, BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error as ComponentError, FormatRequest,
    FormatResult, MetricsView, PendingOp, StorageView,
};
use crate::{Connection, Error, Host, Route, Token};

/// A client of one agent. Cheap to clone; calls run at once, each on an instance and a connection of its own.
///
/// Every function makes at most one request, or one more where not a byte of the first can have arrived or where it was
/// a GET on a connection that the agent had closed. Any of them fails with any [`Error`], but for those that say
/// otherwise.
#[derive(Clone)]
pub struct Agent(Arc<Instances>);

impl Agent {
    pub(crate) async fn connect(host: &Host, connection: &Connection) -> Result<Self, Error> {
        let stand_in = Token::random(&host.provider)?;
        let mask = Mask::new([connection.token.clone(), stand_in.clone()]);
        let client = Client::new(connection, host.deadline, mask, Arc::clone(&host.provider))?;
        let instances = Instances::new(host, Arc::new(client), stand_in);
        instances.warm_up().await?;
        Ok(Self(Arc::new(instances)))
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

    /// Starts a backup and returns at once. After [`Error::Interrupted`] or [`Error::Deadline`] it may have started:
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
        Call::begin(Arc::clone(&self.0), route).await
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.0.client();
        f.debug_struct("Agent")
            .field("endpoint", client.authority())
            .field("pins", &client.pins())
            .finish_non_exhaustive()
    }
}
