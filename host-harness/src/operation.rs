//! Operations by name, with arguments and result as JSON: what `agentapi call` speaks.

use serde_json::{Map, Value};

use crate::json::ToJson;
use crate::types::{AssignRequest, FormatRequest, PendingOp};
use crate::{Agent, Error};

/// An operation with its arguments.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// `new`: nothing but the connection.
    New,
    /// `storage`
    Storage,
    /// `backup-due`
    BackupDue,
    /// `start-backup`
    StartBackup,
    /// `backup-status`
    BackupStatus,
    /// `disks`
    Disks,
    /// `assign-disk` with `uuid`, `where`, `fstype`, `options`
    AssignDisk(AssignRequest),
    /// `eject-disk` with `where`
    EjectDisk(String),
    /// `format-disk` with `device`, `fstype`, `confirmed`, `durable_id`
    FormatDisk(FormatRequest),
    /// `host-metrics`
    HostMetrics,
    /// `fs-uuid` with `durable_id`
    FsUuid(String),
    /// `opsign-command` with `op`, `host_scope`, `durable_id`, `fstype`
    OpsignCommand(PendingOp),
}

impl Operation {
    /// The names of all operations.
    pub const NAMES: [&str; 12] = [
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

    /// The operation of a name, with the arguments that it takes. A missing argument, or `null`, is empty or false;
    /// arguments that it does not take are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`]: there is no such operation, or an argument is of another type.
    pub fn parse(name: &str, args: &Map<String, Value>) -> Result<Self, Error> {
        let args = Arguments(args);
        Ok(match name {
            "new" => Self::New,
            "storage" => Self::Storage,
            "backup-due" => Self::BackupDue,
            "start-backup" => Self::StartBackup,
            "backup-status" => Self::BackupStatus,
            "disks" => Self::Disks,
            "assign-disk" => Self::AssignDisk(AssignRequest {
                uuid: args.text("uuid")?,
                where_: args.text("where")?,
                fstype: args.text("fstype")?,
                options: args.text("options")?,
            }),
            "eject-disk" => Self::EjectDisk(args.text("where")?),
            "format-disk" => Self::FormatDisk(FormatRequest {
                device: args.text("device")?,
                fstype: args.text("fstype")?,
                confirmation: args.flag("confirmed")?.then(|| args.text("durable_id")).transpose()?,
            }),
            "host-metrics" => Self::HostMetrics,
            "fs-uuid" => Self::FsUuid(args.text("durable_id")?),
            "opsign-command" => Self::OpsignCommand(PendingOp {
                op: args.text("op")?,
                host_scope: args.text("host_scope")?,
                durable_id: args.text("durable_id")?,
                fstype: args.text("fstype")?,
            }),
            _ => return Err(wrong("op", &format!("one of {}", Self::NAMES.join(", ")), &Value::from(name))),
        })
    }

    /// Performs it: the value has the agent's own names and shapes, every field present. It is `null` for `new` and
    /// `assign-disk`, and a text for the helpers (`fs-uuid`: empty for none).
    ///
    /// # Errors
    ///
    /// As the operation itself.
    pub async fn perform(&self, agent: &Agent) -> Result<Value, Error> {
        Ok(match self {
            Self::New => Value::Null,
            Self::Storage => agent.storage().await?.to_json(),
            Self::BackupDue => agent.backup_due().await?.to_json(),
            Self::StartBackup => agent.start_backup().await?.to_json(),
            Self::BackupStatus => agent.backup_status().await?.to_json(),
            Self::Disks => agent.disks().await?.to_json(),
            Self::AssignDisk(request) => agent.assign_disk(request).await.map(|()| Value::Null)?,
            Self::EjectDisk(mounted_at) => agent.eject_disk(mounted_at).await?.to_json(),
            Self::FormatDisk(request) => agent.format_disk(request).await?.to_json(),
            Self::HostMetrics => agent.host_metrics().await?.to_json(),
            Self::FsUuid(durable_id) => agent.fs_uuid(durable_id).await?.unwrap_or_default().into(),
            Self::OpsignCommand(pending) => agent.opsign_command(pending).await?.into(),
        })
    }
}

struct Arguments<'a>(&'a Map<String, Value>);

impl Arguments<'_> {
    fn text(&self, name: &str) -> Result<String, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(wrong(name, "a string", other)),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(wrong(name, "a boolean", other)),
        }
    }
}

fn wrong(name: &str, expected: &str, found: &Value) -> Error {
    const MAX_CHARS: usize = 40;
    let found = found.to_string();
    let beginning: String = found.chars().take(MAX_CHARS).collect();
    let more = if beginning.len() < found.len() { ".." } else { "" };
    Error::InvalidArgument(format!("{name}: expected {expected}, found {beginning}{more}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(name: &str, args: Value) -> Result<Operation, String> {
        let Value::Object(args) = args else { panic!("not an object") };
        Operation::parse(name, &args).map_err(|error| error.to_string())
    }

    #[test]
    fn every_name_is_an_operation() {
        for name in Operation::NAMES {
            assert!(parse(name, json!({})).is_ok(), "{name}");
        }
        let error = parse("disk", json!({})).unwrap_err();
        assert!(error.starts_with("op: expected one of new, storage,") && error.ends_with("found \"disk\""), "{error}");
    }

    #[test]
    fn missing_and_null_are_empty_and_a_wrong_type_is_named() {
        assert_eq!(parse("eject-disk", json!({"where": null, "x": 1})), Ok(Operation::EjectDisk(String::new())));
        let error = parse("eject-disk", json!({"where": ["a"]})).unwrap_err();
        assert_eq!(error, "where: expected a string, found [\"a\"]");
        let error = parse("format-disk", json!({"confirmed": "yes"})).unwrap_err();
        assert_eq!(error, "confirmed: expected a boolean, found \"yes\"");
        let error = parse("fs-uuid", json!({"durable_id": [[[["x".repeat(1000)]]]]})).unwrap_err();
        assert!(error.len() < 100, "{error}");
    }

    #[test]
    fn only_a_confirmed_format_carries_its_durable_id() {
        let confirmation = |args| match parse("format-disk", args) {
            Ok(Operation::FormatDisk(request)) => request.confirmation,
            other => panic!("{other:?}"),
        };
        assert_eq!(confirmation(json!({"durable_id": "uuid:1"})), None);
        assert_eq!(confirmation(json!({"confirmed": true, "durable_id": "uuid:1"})), Some("uuid:1".into()));
        assert_eq!(confirmation(json!({"confirmed": true})), Some(String::new()));
    }
}
