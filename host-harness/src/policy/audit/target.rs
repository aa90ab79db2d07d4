//! What an operation is directed at.

use serde::Serialize;

use crate::records::{AssignRequest, FormatRequest};

/// What a request names: only what is in it, nothing that was looked up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditTarget {
    /// The device, such as `/dev/sdb1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The durable id, such as `uuid:0f3c…`. Of a format: the one that is said to be confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durable_id: Option<String>,
    /// The UUID of the file system that is to be mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Where it is to be mounted, or is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mount_path: Option<String>,
    /// The file system to be made or mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fstype: Option<String>,
    /// What a message to the operator is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl AuditTarget {
    pub(in crate::policy) fn of_assign(request: &AssignRequest) -> Self {
        let AssignRequest { uuid, mount_path, fstype, options: _ } = request.clone();
        Self { uuid: Some(uuid), mount_path: Some(mount_path), fstype: Some(fstype), ..Self::default() }
    }

    pub(in crate::policy) fn of_eject(mounted_at: &str) -> Self {
        Self { mount_path: Some(mounted_at.into()), ..Self::default() }
    }

    pub(in crate::policy) fn of_format(request: &FormatRequest) -> Self {
        let FormatRequest { device, fstype, confirmation } = request.clone();
        Self { device: Some(device), durable_id: confirmation, fstype: Some(fstype), ..Self::default() }
    }

    pub(in crate::policy) fn of_durable_id(durable_id: &str) -> Self {
        Self { durable_id: Some(durable_id.into()), ..Self::default() }
    }

    pub(in crate::policy) fn of_key(key: &str) -> Self {
        Self { key: Some(key.into()), ..Self::default() }
    }

    /// Whether the request names nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
