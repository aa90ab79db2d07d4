//! The agent's answers as plain structs, as a native client would declare them: the same fields as the WIT records.

use serde::Deserialize;

/// What stands around every answer.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    pub(crate) ok: bool,
    pub(crate) data: Option<T>,
}

/// A record's fields: missing ones are zero, unknown ones ignored.
macro_rules! records {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            #[derive(Default, Deserialize)]
            #[serde(default)]
            #[allow(dead_code, reason = "decoded to be measured; not all of it is looked at")]
            pub(crate) struct $name { $($(#[$attribute])* pub(crate) $field: $type,)* }
        )*
    };
}

/// Texts with known cases, and `Other` for the rest.
macro_rules! names {
    ($($name:ident { $($case:ident = $text:literal,)* })*) => {
        $(
            #[derive(Deserialize)]
            #[serde(from = "String")]
            #[allow(dead_code, reason = "decoded to be measured; not all of it is looked at")]
            pub(crate) enum $name { $($case,)* Other(String) }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    match text.as_str() {
                        $($text => Self::$case,)*
                        _ => Self::Other(text),
                    }
                }
            }

            impl Default for $name {
                fn default() -> Self {
                    Self::Other(String::new())
                }
            }
        )*
    };
}

names! {
    Class { Fast = "fast", Slow = "slow", }
    Role { System = "system", Backup = "backup", UserData = "user-data", }
    Health { Passed = "PASSED", Failing = "FAILING", Unknown = "UNKNOWN", }
}

records! {
    Storage { vmid: i64, mounts: Vec<Mount>, }
    Mount { key: String, storage: String, mount_point: String, class: Class, backup: bool, }
    Disks { vmid: i64, disks: Vec<Disk>, }
    Disk {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        state: String,
        backing_device: String,
        mount_path: String,
        class: Class,
        role: Role,
        data_bearing: bool,
        data_reason: String,
        total_bytes: i64,
        used_bytes: i64,
        used_fraction: f64,
        durable_id: String,
    }
    Metrics { vmid: i64, host: Host, storage_targets: Vec<Target>, }
    Host {
        node: String,
        cpu_percent: f64,
        memory_total_bytes: i64,
        memory_used_bytes: i64,
        memory_percent: f64,
        disk_total_bytes: i64,
        disk_used_bytes: i64,
        disk_percent: f64,
        loadavg: Vec<String>,
        uptime_seconds: i64,
        cpu_temp_c: Option<i64>,
    }
    Target {
        name: String,
        #[serde(rename = "type")]
        kind: String,
        state: String,
        reachable: bool,
        total_bytes: i64,
        used_bytes: i64,
        avail_bytes: i64,
        used_fraction: f64,
        content: String,
        mount_path: String,
        class_hint: Class,
        thin_pool: Option<ThinPool>,
        smart: Option<Smart>,
    }
    ThinPool { data_used_fraction: f64, metadata_used_fraction: Option<f64>, }
    Smart { health: Health, temperature_c: Option<i64>, percentage_used: Option<i64>, }
}
