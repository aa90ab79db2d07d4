//! The demo's tour: every operation once, in the order in which an operator would use them, on the disks that the agent
//! lists.

use std::time::Duration;

use agentapi_host::records::{AssignRequest, BackupPhase, Disk, DiskRole, FormatRequest};
use agentapi_host::{Agent, Error, Route};
use anyhow::{Context, bail};

use crate::commands::demo::steps::StepPrinter;
use crate::commands::disks::role::role_label;
use crate::print::units::{celsius, count, fraction, percent, size};

/// Calls every operation and both helpers.
pub(super) async fn run(agent: &Agent, steps: &mut StepPrinter) -> anyhow::Result<()> {
    storage(agent, steps).await?;
    backup(agent, steps).await?;
    let disks = disks(agent, steps).await?;
    metrics(agent, steps).await?;
    let with_role = |wanted: fn(&DiskRole) -> bool| disks.iter().find(|disk| wanted(&disk.role));
    let system = with_role(|role| matches!(role, DiskRole::System)).context("there is no system disk")?;
    let data = with_role(|role| matches!(role, DiskRole::UserData)).context("there is no user-data disk")?;
    format_system(agent, steps, system).await?;
    format_data(agent, steps, data).await?;
    assign(agent, steps, data).await?;
    eject(agent, steps, data).await
}

async fn storage(agent: &Agent, steps: &mut StepPrinter) -> anyhow::Result<()> {
    let view = agent.storage().await?;
    let names: Vec<_> = view.mounts.iter().map(|mount| mount.mount_point.as_str()).collect();
    let text = format!("guest {}: {}: {}", view.vmid, count(names.len(), "mount"), names.join(", "));
    Ok(steps.step(Route::Storage, &text)?)
}

async fn backup(agent: &Agent, steps: &mut StepPrinter) -> anyhow::Result<()> {
    let due = agent.backup_due().await?;
    let text = format!("{}: {}", if due.due { "due" } else { "not due" }, due.reason);
    steps.step(Route::BackupDue, &text)?;

    let job = agent.start_backup().await?;
    steps.step(Route::StartBackup, &format!("{} is {}", job.job_id, job.phase.as_str()))?;

    let mut requests = 1;
    let mut status = agent.backup_status().await?;
    while matches!(status.phase, BackupPhase::Running) {
        tokio::time::sleep(POLL_INTERVAL).await;
        status = agent.backup_status().await?;
        requests += 1;
    }
    let text = format!("{} is {}, after asking {}", status.job_id, status.phase.as_str(), count(requests, "time"));
    Ok(steps.step(Route::BackupStatus, &text)?)
}

async fn disks(agent: &Agent, steps: &mut StepPrinter) -> anyhow::Result<Vec<Disk>> {
    let disks = agent.disks().await?.disks;
    let list = disks.iter().map(|disk| {
        let (bytes, used) = (size(disk.total_bytes), fraction(disk.used_fraction));
        format!("\n{:<15} {bytes:>9}, {used:>5} used, {}", disk.backing_device, role_label(&disk.role))
    });
    let list: String = list.collect();
    steps.step(Route::Disks, &(count(disks.len(), "disk") + &list))?;
    Ok(disks)
}

async fn metrics(agent: &Agent, steps: &mut StepPrinter) -> anyhow::Result<()> {
    let view = agent.host_metrics().await?;
    let (host, targets) = (&view.host, count(view.storage_targets.len(), "storage target"));
    let (cpu, memory) = (percent(host.cpu_percent), percent(host.memory_percent));
    let text = format!("{}: cpu {cpu}, memory {memory}, {}, {targets}", host.node, celsius(host.cpu_temp_c));
    Ok(steps.step(Route::HostMetrics, &text)?)
}

async fn format_system(agent: &Agent, steps: &mut StepPrinter, disk: &Disk) -> anyhow::Result<()> {
    let outcome = agent.format_disk(&wipe_of(disk, None)).await;
    let Err(Error::FormatRefused(result)) = outcome else {
        bail!("formatting the system disk was to be refused, found {outcome:?}");
    };
    let pending = result.pending_op.context("there is no operation for the operator to sign")?;
    let command = agent.opsign_command(&pending).await?;
    let text = format!("{}, the system disk: refused; the operator would sign with\n{command}", disk.backing_device);
    Ok(steps.step(Route::FormatDisk, &text)?)
}

async fn format_data(agent: &Agent, steps: &mut StepPrinter, disk: &Disk) -> anyhow::Result<()> {
    let outcome = agent.format_disk(&wipe_of(disk, None)).await;
    let Err(Error::NeedsConfirmation(found)) = outcome else {
        bail!("formatting a user-data disk was to need a confirmation, found {outcome:?}");
    };
    let text = format!("{}, user data ({}): asks to confirm\n{}", disk.backing_device, found.reason, found.durable_id);
    steps.step(Route::FormatDisk, &text)?;

    // The id in this answer and not the one in the list: the device may have been swapped in between.
    let result = agent.format_disk(&wipe_of(disk, Some(found.durable_id))).await?;
    let done = if result.formatted { "formatted" } else { "not formatted" };
    Ok(steps.step(Route::FormatDisk, &format!("{}, confirmed: {done}", disk.backing_device))?)
}

async fn assign(agent: &Agent, steps: &mut StepPrinter, disk: &Disk) -> anyhow::Result<()> {
    let uuid = agent.fs_uuid(&disk.durable_id).await?.context("the durable id holds no file system UUID")?;
    let (mount_path, fstype, options) = (disk.mount_path.clone(), FSTYPE.into(), "noatime,nofail".into());
    agent.assign_disk(&AssignRequest { uuid: uuid.clone(), mount_path, fstype, options }).await?;
    Ok(steps.step(Route::AssignDisk, &format!("{uuid} is mounted at {}", disk.mount_path))?)
}

async fn eject(agent: &Agent, steps: &mut StepPrinter, disk: &Disk) -> anyhow::Result<()> {
    let result = agent.eject_disk(&disk.mount_path).await?;
    let guests: Vec<_> = result.dependent_guests.iter().map(i64::to_string).collect();
    let text = format!("{} is let go; guests that used it: {}", result.ejected, guests.join(", "));
    Ok(steps.step(Route::EjectDisk, &text)?)
}

fn wipe_of(disk: &Disk, confirmation: Option<String>) -> FormatRequest {
    FormatRequest { device: disk.backing_device.clone(), fstype: FSTYPE.into(), confirmation }
}

/// The file system that the demo makes and mounts.
const FSTYPE: &str = "ext4";
/// Pause between two requests for the status of the backup.
const POLL_INTERVAL: Duration = Duration::from_millis(40);
