//! `agentapi disks assign`.

use agentapi_host::Agent;
use agentapi_host::records::AssignRequest;
use clap::Args;

use crate::error::ActionError;
use crate::print::Output;
use crate::print::escape::visible;
use crate::session::target::TargetOptions;
use crate::status::ExitStatus;

/// What `disks assign` takes.
#[derive(Args)]
pub(crate) struct AssignOptions {
    /// The file system's UUID, or the durable id that holds it (uuid:..), as in `agentapi disks list`
    #[arg(value_name = "UUID")]
    uuid: String,
    /// Where to mount it: an absolute path
    #[arg(value_name = "WHERE")]
    mount_path: String,
    /// Its file system, such as ext4
    #[arg(long, value_name = "FSTYPE")]
    fstype: String,
    /// Mount options, separated by commas, such as noatime,nofail
    #[arg(long, value_name = "OPTIONS", default_value = "", hide_default_value = true)]
    options: String,
    #[command(flatten)]
    pub(super) target: TargetOptions,
}

/// Mounts a disk.
pub(super) async fn assign(agent: &Agent, output: Output, disk: &AssignOptions) -> anyhow::Result<()> {
    // The agent wants the UUID; `disks list` shows the durable id, which people will paste.
    let uuid = agent.fs_uuid(&disk.uuid).await?.unwrap_or_else(|| disk.uuid.clone());
    let (fstype, options) = (disk.fstype.clone(), disk.options.clone());
    let request = AssignRequest { uuid, mount_path: disk.mount_path.clone(), fstype, options };
    agent.assign_disk(&request).await.map_err(ActionError)?;
    // The agent's answer has no data, so programs get null, as from `agentapi call`.
    let text = |(): &()| format!("Assigned {} to {}.\n", visible(&request.uuid), visible(&request.mount_path));
    output.report(ExitStatus::Done, &(), text)
}
