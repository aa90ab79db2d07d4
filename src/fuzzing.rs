//! The decoders without a host in front of them, for `fuzz/`. Not part of the component: only the feature `fuzzing` and
//! unit tests have it.

use alloc::vec::Vec;

use agentapi_contract::Route;

use crate::bindings::felhom::agentapi::types::{
    BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error, MetricsView, PendingOp, StorageView,
};
use crate::envelope;
use crate::transport::Answer;
use crate::{format, opsign};

/// Decodes an answer to the request of a route.
pub fn decode(route: Route, status: u16, body: &[u8]) -> Result<(), Error> {
    let answer = Answer { status, body: Vec::from(body) };
    match route {
        Route::Storage => envelope::decode::<StorageView>(route, &answer).map(drop),
        Route::BackupDue => envelope::decode::<BackupDue>(route, &answer).map(drop),
        Route::StartBackup => envelope::decode::<BackupJob>(route, &answer).map(drop),
        Route::BackupStatus => envelope::decode::<BackupStatus>(route, &answer).map(drop),
        Route::Disks => envelope::decode::<DiskList>(route, &answer).map(drop),
        Route::AssignDisk => envelope::check(route, &answer),
        Route::EjectDisk => envelope::decode::<EjectResult>(route, &answer).map(drop),
        Route::FormatDisk => format::decide(&answer).map(drop).or(Ok(())),
        Route::HostMetrics => envelope::decode::<MetricsView>(route, &answer).map(drop),
    }
}

/// The operator's command for a pending operation with these values.
pub fn opsign_command(op: &str, host_scope: &str, durable_id: &str) -> Result<alloc::string::String, Error> {
    let (op, host_scope, durable_id) = (op.into(), host_scope.into(), durable_id.into());
    opsign::command(&PendingOp { op, host_scope, durable_id, fstype: alloc::string::String::new() })
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn any_body_is_decoded_or_refused() {
        let mut rng = Rng::with_seed(4);
        let body = br#"{"ok":true,"error":"","data":{"vmid":101,"due":true,"phase":"done","mounts":[{"key":"a","backup":true}],
            "disks":[{"name":"\u00e9","used_fraction":0.5}],"dependent_guests":[1,null],"host":{"loadavg":["1"]},
            "storage_targets":[{"thin_pool":{"data_used_fraction":1},"smart":null}],"pending_op":{"op":"x"}}}"#;
        let mut decoded = 0;
        for _ in 0..20_000 {
            let mut bytes = body.to_vec();
            for _ in 0..rng.usize(0..3) {
                let place = rng.usize(0..bytes.len());
                bytes[place] = *rng.choice(b"{}[]\",:0e-.nt\\u\xff ").unwrap();
            }
            decoded += usize::from(decode(rng.choice(Route::ALL).unwrap(), 200, &bytes).is_ok());
        }
        assert!(decoded > 2_000 && decoded < 20_000, "{decoded} bodies were decoded");
    }
}
