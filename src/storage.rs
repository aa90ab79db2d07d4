//! The interface `storage`: what is mounted in this guest.

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::storage::Guest;
use crate::bindings::felhom::agentapi::types::{Error, StorageClass, StorageMount, StorageView};
use crate::envelope;
use crate::json::{record, variant};

impl Guest for Component {
    fn mounts() -> Result<StorageView, Error> {
        envelope::get(Route::Storage)
    }
}

variant! {
    /// Source: `class` of GET /storage and GET /disks, `class_hint` of GET /host/metrics.
    StorageClass {
        "" => Unknown,
        "fast" => Fast,
        "slow" => Slow,
    }
}

record! {
    /// Source: data of GET /storage.
    StorageView {
        "vmid" => vmid: Int,
        "mounts" => mounts: Records,
    }
}

record! {
    StorageMount {
        "key" => key: Text,
        "storage" => storage: Text,
        "mount_point" => mount_point: Text,
        "class" => class: Variant,
        "backup" => backup: Flag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::decode_data;
    use crate::json::Variant;

    #[test]
    fn every_field_is_read() {
        let view: StorageView = decode_data(
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
        assert!(decode_data::<StorageView>("{}").mounts.is_empty());
        let view: StorageView = decode_data(r#"{"vmid":null,"mounts":[{}]}"#);
        assert_eq!((view.vmid, &*view.mounts[0].key, view.mounts[0].backup), (0, "", false));
        assert!(matches!(view.mounts[0].class, StorageClass::Unknown));
    }

    #[test]
    fn a_class_that_is_not_known_keeps_its_text() {
        assert!(matches!(StorageClass::from_text("fast"), StorageClass::Fast));
        assert!(matches!(StorageClass::from_text("Fast"), StorageClass::Other(text) if text == "Fast"));
    }
}
