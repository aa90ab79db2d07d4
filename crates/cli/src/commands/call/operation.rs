//! The operations of `agentapi call`: their names, their arguments, their values.

use agentapi_host::records::{AssignRequest, FormatRequest, PendingOp};
use agentapi_host::{Agent, Error, Route};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::commands::call::args::Args;

/// One operation with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the operations and arguments of the agent's API, by their names")]
#[non_exhaustive]
pub enum Operation {
    New,
    Storage,
    BackupDue,
    StartBackup,
    BackupStatus,
    Disks,
    AssignDisk { uuid: String, mount_at: String, fstype: String, options: String },
    EjectDisk { mounted_at: String },
    FormatDisk { device: String, fstype: String, confirmation: Option<String> },
    HostMetrics,
    FsUuid { durable_id: String },
    OpsignCommand { op: String, host_scope: String, durable_id: String, fstype: String },
}

impl Operation {
    /// The operation of this name with its arguments.
    pub(super) fn read(op: &str, args: &Args<'_>) -> Result<Self, String> {
        match Route::named(op) {
            Some(route) => Self::on_route(route, args),
            None => Self::without_request(op, args),
        }
    }

    fn on_route(route: Route, args: &Args<'_>) -> Result<Self, String> {
        Ok(match route {
            Route::Storage => Self::Storage,
            Route::BackupDue => Self::BackupDue,
            Route::StartBackup => Self::StartBackup,
            Route::BackupStatus => Self::BackupStatus,
            Route::Disks => Self::Disks,
            Route::AssignDisk => Self::AssignDisk {
                uuid: args.text("uuid")?,
                mount_at: args.text("where")?,
                fstype: args.text("fstype")?,
                options: args.text("options")?,
            },
            Route::EjectDisk => Self::EjectDisk { mounted_at: args.text("where")? },
            Route::FormatDisk => {
                // An unconfirmed durable id must not count: clients send it along in both steps.
                let durable_id = args.text("durable_id")?;
                let confirmation = args.boolean("confirmed")?.then_some(durable_id);
                Self::FormatDisk { device: args.text("device")?, fstype: args.text("fstype")?, confirmation }
            }
            Route::HostMetrics => Self::HostMetrics,
        })
    }

    fn without_request(op: &str, args: &Args<'_>) -> Result<Self, String> {
        Ok(match op {
            "new" => Self::New,
            "fs-uuid" => Self::FsUuid { durable_id: args.text("durable_id")? },
            "opsign-command" => Self::OpsignCommand {
                op: args.text("op")?,
                host_scope: args.text("host_scope")?,
                durable_id: args.text("durable_id")?,
                fstype: args.text("fstype")?,
            },
            unknown => return Err(unknown_operation(unknown)),
        })
    }

    /// Calls the agent and returns the value as JSON: the agent's own names and shapes, every field present. For `new`
    /// and `assign-disk` it is null, for the two helpers a string (for `fs-uuid`, empty if there is none).
    ///
    /// # Errors
    ///
    /// Those of the [`Agent`]'s functions.
    pub async fn run(self, agent: &Agent) -> Result<Box<RawValue>, Error> {
        match self {
            // Nothing to do: the agent was connected before the first line.
            Self::New => json(&()),
            Self::Storage => json(&agent.storage().await?),
            Self::BackupDue => json(&agent.backup_due().await?),
            Self::StartBackup => json(&agent.start_backup().await?),
            Self::BackupStatus => json(&agent.backup_status().await?),
            Self::Disks => json(&agent.disks().await?),
            Self::AssignDisk { uuid, mount_at, fstype, options } => {
                json(&agent.assign_disk(&AssignRequest { uuid, mount_path: mount_at, fstype, options }).await?)
            }
            Self::EjectDisk { mounted_at } => json(&agent.eject_disk(&mounted_at).await?),
            Self::FormatDisk { device, fstype, confirmation } => {
                json(&agent.format_disk(&FormatRequest { device, fstype, confirmation }).await?)
            }
            Self::HostMetrics => json(&agent.host_metrics().await?),
            Self::FsUuid { durable_id } => json(&agent.fs_uuid(&durable_id).await?.unwrap_or_default()),
            Self::OpsignCommand { op, host_scope, durable_id, fstype } => {
                json(&agent.opsign_command(&PendingOp { op, host_scope, durable_id, fstype }).await?)
            }
        }
    }
}

fn json(value: &impl Serialize) -> Result<Box<RawValue>, Error> {
    to_raw_value(value).map_err(|error| Error::Component(error.into()))
}

/// The names, in the order of the documentation.
const NAMES: [&str; 12] = [
    "new",
    "storage",
    "backup-due",
    "start-backup",
    "backup-status",
    "disks",
    "assign-disk",
    "eject-disk",
    "format-disk",
    "host-metrics",
    "fs-uuid",
    "opsign-command",
];
/// How many characters of an unknown name the message repeats: a line may hold 64 MiB.
const SHOWN_CHARS: usize = 40;

fn unknown_operation(name: &str) -> String {
    let shown: String = name.chars().take(SHOWN_CHARS).collect();
    format!("op: expected one of {}, found {shown:?}", NAMES.join(", "))
}

#[cfg(test)]
mod tests {
    use agentapi_host::Route;

    use super::{NAMES, Operation};
    use crate::commands::call::request::Request;

    fn operation(line: &str) -> Operation {
        Request::read(line.as_bytes()).operation.unwrap()
    }

    #[test]
    fn every_route_and_every_listed_name_is_an_operation() {
        for name in NAMES {
            operation(&format!(r#"{{"op":"{name}"}}"#));
        }
        assert!(Route::ALL.iter().all(|route| NAMES.contains(&route.name())));
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = Request::read(br#"{"op":"wipe"}"#).operation.unwrap_err().to_string();
        assert!(message.starts_with("op: expected one of new, storage, backup-due,"), "{message}");
        assert!(message.ends_with("opsign-command, found \"wipe\""), "{message}");
    }

    #[test]
    fn a_durable_id_is_a_confirmation_only_where_it_is_confirmed() {
        let confirmation = |args: &str| {
            let line = format!(r#"{{"op":"format-disk","args":{{"device":"d","fstype":"f"{args}}}}}"#);
            match operation(&line) {
                Operation::FormatDisk { device, fstype, confirmation } => {
                    assert_eq!((device.as_str(), fstype.as_str()), ("d", "f"));
                    confirmation
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(confirmation(r#","durable_id":"x""#), None);
        assert_eq!(confirmation(r#","durable_id":"x","confirmed":false"#), None);
        assert_eq!(confirmation(r#","durable_id":"x","confirmed":true"#), Some("x".into()));
        assert_eq!(confirmation(r#","confirmed":true"#), Some(String::new()));
    }

    #[test]
    fn arguments_go_where_they_are_named() {
        let assign = operation(r#"{"op":"assign-disk","args":{"uuid":"u","where":"w","fstype":"f","options":"o"}}"#);
        let [uuid, mount_at, fstype, options] = ["u", "w", "f", "o"].map(String::from);
        assert_eq!(assign, Operation::AssignDisk { uuid, mount_at, fstype, options });
        let sign =
            operation(r#"{"op":"opsign-command","args":{"op":"o","host_scope":"h","durable_id":"d","fstype":"f"}}"#);
        let [op, host_scope, durable_id, fstype] = ["o", "h", "d", "f"].map(String::from);
        assert_eq!(sign, Operation::OpsignCommand { op, host_scope, durable_id, fstype });
    }
}
