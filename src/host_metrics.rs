//! The interface `host-metrics`: load, memory and temperature of the Proxmox host, and the state of its storage.

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::host_metrics::Guest;
use crate::bindings::felhom::agentapi::types::{
    Error, HostStatus, MetricsView, Smart, SmartHealth, StorageTarget, ThinPool,
};
use crate::envelope;
use crate::json::{record, variant};

impl Guest for Component {
    fn collect() -> Result<MetricsView, Error> {
        envelope::get(Route::HostMetrics)
    }
}

variant! {
    SmartHealth {
        "PASSED" => Passed,
        "FAILING" => Failing,
        "UNKNOWN" => Unknown,
    }
}

record! {
    /// Source: data of GET /host/metrics.
    MetricsView {
        "vmid" => vmid: Int,
        "host" => host: Record,
        "storage_targets" => storage_targets: Records,
    }
}

record! {
    HostStatus {
        "node" => node: Text,
        "cpu_percent" => cpu_percent: Real,
        "memory_total_bytes" => memory_total_bytes: Int,
        "memory_used_bytes" => memory_used_bytes: Int,
        "memory_percent" => memory_percent: Real,
        "disk_total_bytes" => disk_total_bytes: Int,
        "disk_used_bytes" => disk_used_bytes: Int,
        "disk_percent" => disk_percent: Real,
        "loadavg" => loadavg: Texts,
        "uptime_seconds" => uptime_seconds: Int,
        "cpu_temp_c" => cpu_temp_c: IntOrNone,
    }
}

record! {
    StorageTarget {
        "name" => name: Text,
        "type" => kind: Text,
        "state" => state: Text,
        "reachable" => reachable: Flag,
        "total_bytes" => total_bytes: Int,
        "used_bytes" => used_bytes: Int,
        "avail_bytes" => avail_bytes: Int,
        "used_fraction" => used_fraction: Real,
        "content" => content: Text,
        "mount_path" => mount_path: Text,
        "class_hint" => class_hint: Variant,
        "thin_pool" => thin_pool: RecordOrNone,
        "smart" => smart: Record,
    }
}

record! {
    ThinPool {
        "data_used_fraction" => data_used_fraction: Real,
        "metadata_used_fraction" => metadata_used_fraction: RealOrNone,
    }
}

record! {
    Smart {
        "health" => health: Variant,
        "temperature_c" => temperature_c: IntOrNone,
        "percentage_used" => percentage_used: IntOrNone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::decode_data;
    use crate::json::Variant;

    #[test]
    fn every_field_is_read() {
        let view: MetricsView = decode_data(
            r#"{"vmid":101,"host":{"node":"pve","cpu_percent":12.5,"memory_total_bytes":64,"memory_used_bytes":32,
                "memory_percent":50,"disk_total_bytes":100,"disk_used_bytes":25,"disk_percent":25.0,
                "loadavg":["0.50","0.40",null],"uptime_seconds":86400,"cpu_temp_c":54},
                "storage_targets":[{"name":"tank","type":"zfspool","state":"active","reachable":true,"total_bytes":9,
                "used_bytes":3,"avail_bytes":6,"used_fraction":0.3,"content":"images","mount_path":"/tank",
                "class_hint":"fast","thin_pool":{"data_used_fraction":0.9,"metadata_used_fraction":0.1},
                "smart":{"health":"FAILING","temperature_c":61,"percentage_used":104}}]}"#,
        );
        let host = &view.host;
        assert_eq!((view.vmid, &*host.node, host.cpu_percent, host.memory_percent), (101, "pve", 12.5, 50.0));
        assert_eq!((host.memory_total_bytes, host.memory_used_bytes), (64, 32));
        assert_eq!((host.disk_total_bytes, host.disk_used_bytes, host.disk_percent), (100, 25, 25.0));
        assert_eq!(host.loadavg, ["0.50", "0.40", ""]);
        assert_eq!((host.uptime_seconds, host.cpu_temp_c), (86400, Some(54)));
        let target = &view.storage_targets[0];
        assert_eq!((&*target.name, &*target.kind, &*target.state), ("tank", "zfspool", "active"));
        assert_eq!((target.total_bytes, target.used_bytes, target.avail_bytes), (9, 3, 6));
        assert_eq!((target.reachable, target.used_fraction, &*target.content), (true, 0.3, "images"));
        assert_eq!(&*target.mount_path, "/tank");
        let pool = target.thin_pool.as_ref().unwrap();
        assert_eq!((pool.data_used_fraction, pool.metadata_used_fraction), (0.9, Some(0.1)));
        let smart = &target.smart;
        assert!(matches!(smart.health, SmartHealth::Failing));
        assert_eq!((smart.temperature_c, smart.percentage_used), (Some(61), Some(104)));
    }

    #[test]
    fn what_is_missing_is_zero_or_none() {
        let view: MetricsView = decode_data(r#"{"storage_targets":[{},{"thin_pool":{},"smart":{}}]}"#);
        assert_eq!((view.host.cpu_temp_c, view.host.uptime_seconds), (None, 0));
        assert!(view.storage_targets[0].thin_pool.is_none());
        assert_eq!(view.storage_targets[1].thin_pool.unwrap().metadata_used_fraction, None);
        let smart = &view.storage_targets[0].smart;
        assert!(matches!(&smart.health, SmartHealth::Other(text) if text.is_empty()));
        assert_eq!((smart.temperature_c, smart.percentage_used), (None, None));
    }

    #[test]
    fn a_null_pool_is_no_pool() {
        let view: MetricsView = decode_data(r#"{"host":null,"storage_targets":[{"thin_pool":null,"smart":null}]}"#);
        assert!(view.storage_targets[0].thin_pool.is_none());
    }

    #[test]
    fn a_verdict_that_is_not_known_keeps_its_text() {
        assert!(matches!(SmartHealth::from_text("PASSED"), SmartHealth::Passed));
        assert!(matches!(SmartHealth::from_text("UNKNOWN"), SmartHealth::Unknown));
        assert!(matches!(SmartHealth::from_text("passed"), SmartHealth::Other(text) if text == "passed"));
    }
}
