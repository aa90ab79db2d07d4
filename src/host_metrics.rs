//! How the Proxmox host is doing.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use agentapi_contract::Route;

use crate::Component;
use crate::bindings::exports::felhom::agentapi::host_metrics::Guest;
use crate::bindings::felhom::agentapi::types::{
    Error, HostStatus, MetricsView, Smart, SmartHealth, StorageClass, StorageTarget, ThinPool,
};
use crate::envelope;
use crate::json::{Field, Named, Record};

impl Guest for Component {
    fn collect() -> Result<MetricsView, Error> {
        envelope::get(Route::HostMetrics)
    }
}

impl Named for SmartHealth {
    fn set(&mut self, text: &str) {
        *self = match text {
            "PASSED" => SmartHealth::Passed,
            "FAILING" => SmartHealth::Failing,
            "UNKNOWN" => SmartHealth::Unknown,
            _ => SmartHealth::Other(text.to_string()),
        };
    }
}

/// Source: data of GET /host/metrics.
impl Record for MetricsView {
    fn zero() -> Self {
        MetricsView { vmid: 0, host: HostStatus::zero(), storage_targets: Vec::new() }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "vmid" => Field::Int(&mut self.vmid),
            "host" => Field::Record(&mut self.host),
            "storage_targets" => Field::Records(&mut self.storage_targets),
            _ => return None,
        })
    }
}

impl Record for HostStatus {
    fn zero() -> Self {
        HostStatus {
            node: String::new(),
            cpu_percent: 0.0,
            memory_total_bytes: 0,
            memory_used_bytes: 0,
            memory_percent: 0.0,
            disk_total_bytes: 0,
            disk_used_bytes: 0,
            disk_percent: 0.0,
            loadavg: Vec::new(),
            uptime_seconds: 0,
            cpu_temp_c: None,
        }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "node" => Field::Text(&mut self.node),
            "cpu_percent" => Field::Real(&mut self.cpu_percent),
            "memory_total_bytes" => Field::Int(&mut self.memory_total_bytes),
            "memory_used_bytes" => Field::Int(&mut self.memory_used_bytes),
            "memory_percent" => Field::Real(&mut self.memory_percent),
            "disk_total_bytes" => Field::Int(&mut self.disk_total_bytes),
            "disk_used_bytes" => Field::Int(&mut self.disk_used_bytes),
            "disk_percent" => Field::Real(&mut self.disk_percent),
            "loadavg" => Field::Texts(&mut self.loadavg),
            "uptime_seconds" => Field::Int(&mut self.uptime_seconds),
            "cpu_temp_c" => Field::IntOrNone(&mut self.cpu_temp_c),
            _ => return None,
        })
    }
}

impl Record for StorageTarget {
    fn zero() -> Self {
        StorageTarget {
            name: String::new(),
            type_: String::new(),
            state: String::new(),
            reachable: false,
            total_bytes: 0,
            used_bytes: 0,
            avail_bytes: 0,
            used_fraction: 0.0,
            content: String::new(),
            mount_path: String::new(),
            class_hint: StorageClass::Unknown,
            thin_pool: None,
            smart: Smart::zero(),
        }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "name" => Field::Text(&mut self.name),
            "type" => Field::Text(&mut self.type_),
            "state" => Field::Text(&mut self.state),
            "reachable" => Field::Flag(&mut self.reachable),
            "total_bytes" => Field::Int(&mut self.total_bytes),
            "used_bytes" => Field::Int(&mut self.used_bytes),
            "avail_bytes" => Field::Int(&mut self.avail_bytes),
            "used_fraction" => Field::Real(&mut self.used_fraction),
            "content" => Field::Text(&mut self.content),
            "mount_path" => Field::Text(&mut self.mount_path),
            "class_hint" => Field::Name(&mut self.class_hint),
            "thin_pool" => Field::RecordOrNone(&mut self.thin_pool),
            "smart" => Field::Record(&mut self.smart),
            _ => return None,
        })
    }
}

impl Record for ThinPool {
    fn zero() -> Self {
        ThinPool { data_used_fraction: 0.0, metadata_used_fraction: None }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "data_used_fraction" => Field::Real(&mut self.data_used_fraction),
            "metadata_used_fraction" => Field::RealOrNone(&mut self.metadata_used_fraction),
            _ => return None,
        })
    }
}

impl Record for Smart {
    fn zero() -> Self {
        Smart { health: SmartHealth::Other(String::new()), temperature_c: None, percentage_used: None }
    }

    fn field(&mut self, key: &str) -> Option<Field<'_>> {
        Some(match key {
            "health" => Field::Name(&mut self.health),
            "temperature_c" => Field::IntOrNone(&mut self.temperature_c),
            "percentage_used" => Field::IntOrNone(&mut self.percentage_used),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::named;
    use crate::transport::Answer;

    fn metrics(data: &str) -> MetricsView {
        let body = format!(r#"{{"ok":true,"data":{data}}}"#).into_bytes();
        envelope::record(Route::HostMetrics, &Answer { status: 200, body }).unwrap()
    }

    #[test]
    fn every_field_is_read() {
        let view = metrics(
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
        assert_eq!((&*target.name, &*target.type_, &*target.state), ("tank", "zfspool", "active"));
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
        let view = metrics(r#"{"storage_targets":[{},{"thin_pool":{},"smart":{}}]}"#);
        assert_eq!((view.host.cpu_temp_c, view.host.uptime_seconds), (None, 0));
        assert!(view.storage_targets[0].thin_pool.is_none());
        assert_eq!(view.storage_targets[1].thin_pool.unwrap().metadata_used_fraction, None);
        let smart = &view.storage_targets[0].smart;
        assert!(matches!(&smart.health, SmartHealth::Other(text) if text.is_empty()));
        assert_eq!((smart.temperature_c, smart.percentage_used), (None, None));
    }

    #[test]
    fn a_null_pool_is_no_pool() {
        let view = metrics(r#"{"host":null,"storage_targets":[{"thin_pool":null,"smart":null}]}"#);
        assert!(view.storage_targets[0].thin_pool.is_none());
    }

    #[test]
    fn a_verdict_that_is_not_known_keeps_its_text() {
        assert!(matches!(named(SmartHealth::Passed, "PASSED"), SmartHealth::Passed));
        assert!(matches!(named(SmartHealth::Passed, "UNKNOWN"), SmartHealth::Unknown));
        assert!(matches!(named(SmartHealth::Passed, "passed"), SmartHealth::Other(text) if text == "passed"));
    }
}
