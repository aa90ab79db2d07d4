//! The disk that somebody wants wiped, as the agent describes it.

use agentapi_host::records::{Disk, DiskRole};
use agentapi_host::{Agent, Error};

/// Why nobody is asked about a disk.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// The agent does not say which disks there are.
    #[error("the agent cannot be asked for its disks")]
    Agent(#[from] Error),
    /// There is no such device.
    #[error("the agent lists no such device")]
    NoDevice,
    /// Two disks have that device: a mistake of the agent.
    #[error("the agent lists that device twice")]
    Twice,
    /// The device is another disk.
    #[error("its durable id is {found}, and not {expected}")]
    OtherDisk {
        /// The disk's.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// It is the system's, or holds backups.
    #[error("only the operator of the host may wipe it")]
    Operators,
}

/// Looks for the disk with this device and durable id, which a person of this guest may decide on.
pub(crate) async fn look(agent: &Agent, device: &str, durable_id: &str) -> Result<Disk, LookError> {
    let disks = agent.disks().await?.disks;
    let mut named = disks.into_iter().filter(|disk| disk.backing_device == device);
    let disk = match (named.next(), named.next()) {
        (Some(disk), None) => disk,
        (None, _) => return Err(LookError::NoDevice),
        (Some(_), Some(_)) => return Err(LookError::Twice),
    };
    if disk.durable_id != durable_id || durable_id.is_empty() {
        return Err(LookError::OtherDisk { found: disk.durable_id, expected: durable_id.to_owned() });
    }
    match disk.role {
        // The agent would refuse as well; nobody is to be asked for what they may not decide.
        DiskRole::System | DiskRole::Backup => Err(LookError::Operators),
        DiskRole::UserData | DiskRole::Other(_) => Ok(disk),
    }
}
