//! What is mounted in this guest.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::storage::Guest;
use crate::bindings::felhom::agentapi::types::{Error, StorageClass, StorageMount, StorageView};
use crate::envelope;
use crate::json::{Field, Named, Record};

impl Guest for Component {
    fn mounts() -> Result<StorageView, Error> {
        envelope::get(Route::Storage)
    }
}

/// Source: `class` of GET /storage and GET /disks, `class_hint` of GET /host/metrics.
impl Named for StorageClass {
    fn set(&mut self, text: &str) {
        *self = match text {
            "" => StorageClass::Unknown,
            "fast" => StorageClass::Fast,
            "slow" => StorageClass::Slow,
            _ => StorageClass::Other(text.to_string()),
        };
    }
}

/// Source: data of GET /storage.
impl Record for StorageView {
    fn zero() -> Self {
        StorageView { vmid: 0, mounts: Vec::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "mounts" => Field::Records(&mut self.mounts),
            _ => return None,
        })
    }
}

impl Record for StorageMount {
    fn zero() -> Self {
        StorageMount {
            key: String::new(),
            storage: String::new(),
            mount_point: String::new(),
            class: StorageClass::Unknown,
            backup: false,
        }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "key" => Field::Text(&mut self.key),
            "storage" => Field::Text(&mut self.storage),
            "mount_point" => Field::Text(&mut self.mount_point),
            "class" => Field::Name(&mut self.class),
            "backup" => Field::Flag(&mut self.backup),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::named;
    use crate::transport::Answer;

    fn view(data: &str) -> StorageView {
        let body = format!(r#"{{"ok":true,"data":{data}}}"#).into_bytes();
        envelope::record(Route::Storage, &Answer { status: 200, body }).unwrap()
    }

    #[test]
    fn every_field_is_read() {
        let view = view(
            r#"{"vmid":101,"mounts":[{"key":"media","storage":"local-hdd","mount_point":"/mnt/media",
                "class":"slow","backup":true}]}"#,
        );
        assert_eq!(view.vmid, 101);
        let mount = &view.mounts[0];
        assert_eq!((&*mount.key, &*mount.storage, &*mount.mount_point), ("media", "local-hdd", "/mnt/media"));
        assert!(matches!(mount.class, StorageClass::Slow));
        assert!(mount.backup);
    }

    #[test]
    fn what_is_missing_is_zero() {
        assert!(view("{}").mounts.is_empty());
        let view = view(r#"{"vmid":null,"mounts":[{}]}"#);
        assert_eq!((view.vmid, &*view.mounts[0].key, view.mounts[0].backup), (0, "", false));
        assert!(matches!(view.mounts[0].class, StorageClass::Unknown));
    }

    #[test]
    fn a_class_that_is_not_known_keeps_its_text() {
        assert!(matches!(named(StorageClass::Unknown, "fast"), StorageClass::Fast));
        assert!(matches!(named(StorageClass::Unknown, "Fast"), StorageClass::Other(text) if text == "Fast"));
    }
}
