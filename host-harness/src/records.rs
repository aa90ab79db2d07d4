//! The records of the agent's API, under its own names: what the component returns, and what `agentapi call` and
//! `--json` print.
//!
//! One type serves both borders. Towards the component each record is a type of `felhom:agentapi/types`, so that
//! nothing is converted when a call returns. As JSON it has the agent's own keys, and every field is present. Where a
//! name of the agent is a keyword somewhere (`type`, `where`), the Rust field has another name and the JSON key stays.
//!
//! A key that is missing in JSON is read as the zero value, as in the component. No record is `non_exhaustive`: a
//! record of a WIT package cannot grow within a version, so neither can these, and a controller's tests can build them.

mod backup;
mod disks;
mod host_metrics;
mod storage;

pub use agentapi_contract::SmartVerdict;
pub use backup::{BackupDue, BackupJob, BackupPhase, BackupStatus};
pub use disks::{AssignRequest, Disk, DiskList, DiskRole, EjectResult, FormatRequest, FormatResult, PendingOp};
pub use host_metrics::{HostStatus, MetricsView, Smart, SmartHealth, StorageTarget, ThinPool};
pub use storage::{StorageClass, StorageMount, StorageView};

/// Implements a variant whose cases are texts of the agent: conversion from and to the text, also for JSON. An unknown
/// text is kept as the case `Other`, so that nothing the agent says is lost. The empty text is the zero value.
macro_rules! text_variant {
    ($name:ident { $($text:literal => $case:ident),+ }) => {
        impl $name {
            /// The agent's text for it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$case => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$case,)+
                    other => Self::Other(other.into()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::from("")
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // Borrowed where it can be; owned where the JSON text has escapes or comes from a reader.
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Ok(Self::from(&*text))
            }
        }

        /// A text, and not a list of the known ones: the agent may have others.
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let text = utoipa::openapi::schema::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
                let known = [$($text),+].map(|text| format!("`{text:?}`").replace('"', "")).join(", ");
                text.description(Some(format!("One of {known}, or another text of the agent."))).into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}
use text_variant;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Disk, DiskList, DiskRole, StorageClass, StorageTarget};

    #[test]
    fn a_record_has_the_agents_keys_in_its_order_and_every_one_of_them() {
        let list: DiskList = serde_json::from_value(json!({"vmid": 7, "disks": [{"type": "disk"}]})).unwrap();
        assert_eq!(list.disks.first().map(|disk| disk.kind.as_str()), Some("disk"));
        let text = serde_json::to_string(&list).unwrap();
        let expected = r#"{"vmid":7,"disks":[{"name":"","type":"disk","state":"","backing_device":"","mount_path":"","class":"","role":"","data_bearing":false,"data_reason":"","total_bytes":0,"used_bytes":0,"used_fraction":0.0,"durable_id":""}]}"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn what_may_be_none_is_null() {
        let target = serde_json::to_value(StorageTarget::default()).unwrap();
        assert_eq!((&target["thin_pool"], &target["smart"]["temperature_c"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn texts_come_back_as_they_were() {
        for text in ["system", "backup", "user-data", "spare", ""] {
            assert_eq!(DiskRole::from(text).as_str(), text);
        }
        assert_eq!(DiskRole::from("user-data"), DiskRole::UserData);
        assert_eq!((StorageClass::default(), DiskRole::default()), (StorageClass::Unknown, DiskRole::Other("".into())));
        assert_eq!(Disk::default().role.as_str(), "");
    }
}
