//! The calls that concern disks: a wipe needs a person.

use agentapi_contract::Route;
use agentapi_contract::wit::Function;
use serde_json::json;

use crate::error::Error;
use crate::policy::approver::Wipe;
use crate::policy::audit::{AuditTarget, Operation};
use crate::policy::bindings::felhom::agentapi::disks;
use crate::policy::calls::Calls;
use crate::policy::dry_run::DryRun;
use crate::policy::grants::{FS_UUID, OPSIGN_COMMAND};
use crate::sandbox::types::{
    AssignRequest, DiskList, EjectResult, Error as ComponentError, FormatError, FormatRequest, FormatResult, PendingOp,
};

impl disks::Host for Calls {
    async fn list(&mut self) -> wasmtime::Result<Result<DiskList, ComponentError>> {
        self.read(Route::Disks.function(), async |agent| agent.disks().await).await
    }

    async fn assign(&mut self, request: AssignRequest) -> wasmtime::Result<Result<(), ComponentError>> {
        const FUNCTION: Function = Route::AssignDisk.function();
        let (target, arguments, is_dry) = (AuditTarget::of_assign(&request), json!(request), self.dry_run.is_some());
        let assign = self.pass_on(FUNCTION, target, arguments, async |agent| match is_dry {
            true => Ok(()),
            false => agent.assign_disk(&request).await,
        });
        assign.await
    }

    async fn eject(&mut self, mounted_at: String) -> wasmtime::Result<Result<EjectResult, ComponentError>> {
        const FUNCTION: Function = Route::EjectDisk.function();
        let (target, arguments) = (AuditTarget::of_eject(&mounted_at), json!({ "where": mounted_at }));
        let ejected = self.dry_run.as_ref().map(|dry_run| dry_run.eject(&mounted_at));
        let eject = self.pass_on(FUNCTION, target, arguments, async |agent| match ejected {
            Some(ejected) => Ok(ejected),
            None => agent.eject_disk(&mounted_at).await,
        });
        eject.await
    }

    async fn format(&mut self, request: FormatRequest) -> wasmtime::Result<Result<FormatResult, FormatError>> {
        const FUNCTION: Function = Route::FormatDisk.function();
        let denied = |rule| FormatError::Failed(ComponentError::Denied(rule));
        let arguments = json!(request);
        let mut admitted = match self.admit(FUNCTION, AuditTarget::of_format(&request), arguments)? {
            Ok(admitted) => admitted,
            Err(rule) => return Ok(Err(denied(rule))),
        };
        let outcome = if self.dry_run.is_some() {
            // What the disk is decides the answer, so it is looked at: that only reads.
            self.agent.disks().await.and_then(|list| DryRun::format(&list, &request))
        } else if self.is_approved(&request, &mut admitted.operation).await {
            self.agent.format_disk(&request).await
        } else {
            let rule = "no person has approved that this disk is wiped";
            admitted.denied(rule);
            return Ok(Err(denied(rule.into())));
        };
        admitted.answered(&outcome);
        Ok(outcome.map_err(|error| match error {
            Error::NeedsConfirmation(result) => FormatError::NeedsConfirmation(*result),
            Error::FormatRefused(result) => FormatError::Refused(*result),
            error => FormatError::Failed(self.log_and_redact(FUNCTION, &error)),
        }))
    }

    async fn fs_uuid(&mut self, durable_id: String) -> wasmtime::Result<Option<String>> {
        let (target, arguments) = (AuditTarget::of_durable_id(&durable_id), json!({ "durable_id": durable_id }));
        // This function has no error to answer with. None means that the id holds no UUID, which tells a caller without
        // the grant nothing.
        let uuid = self.pass_on(FS_UUID, target, arguments, async |agent| agent.fs_uuid(&durable_id).await).await?;
        Ok(uuid.unwrap_or_default())
    }

    async fn opsign_command(&mut self, op: PendingOp) -> wasmtime::Result<Result<String, ComponentError>> {
        let (target, arguments) = (AuditTarget::of_durable_id(&op.durable_id), json!(op));
        self.pass_on(OPSIGN_COMMAND, target, arguments, async |agent| agent.opsign_command(&op).await).await
    }
}

impl Calls {
    async fn is_approved(&self, request: &FormatRequest, operation: &mut Operation) -> bool {
        // Without a confirmation the agent formats nothing that holds data, so nobody need be asked.
        let Some(durable_id) = request.confirmation.clone() else { return true };
        let (device, fstype) = (request.device.clone(), request.fstype.clone());
        let wipe = Wipe { extension: self.identity.name.to_string(), device, durable_id, fstype };
        operation.asks();
        let decision = self.approver.approves(&wipe).await;
        operation.decided(&decision);
        decision.is_approved()
    }
}
