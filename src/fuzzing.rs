//! Every decoder behind one function, for `fuzz/`. Not part of the component.

use alloc::vec::Vec;

use crate::bindings::felhom::agentapi::types::{
    BackupDue, BackupJob, BackupStatus, DiskList, EjectResult, Error, MetricsView, PendingOp, StorageView,
};
use crate::envelope::{self, OK, OK_OR_ACCEPTED};
use crate::transport::Answer;
use crate::{format, opsign};

/// Decodes an answer as the operation with that number would.
pub fn decode(operation: u8, status: u16, body: &[u8]) -> Result<(), Error> {
    let answer = Answer { status, body: Vec::from(body) };
    match operation % 9 {
        0 => envelope::record::<StorageView>(&answer, OK).map(drop),
        1 => envelope::record::<BackupDue>(&answer, OK).map(drop),
        2 => envelope::record::<BackupJob>(&answer, OK_OR_ACCEPTED).map(drop),
        3 => envelope::record::<BackupStatus>(&answer, OK).map(drop),
        4 => envelope::record::<DiskList>(&answer, OK).map(drop),
        5 => envelope::nothing(&answer, OK_OR_ACCEPTED),
        6 => envelope::record::<EjectResult>(&answer, OK_OR_ACCEPTED).map(drop),
        7 => format::decide(&answer).map(drop).or(Ok(())),
        _ => envelope::record::<MetricsView>(&answer, OK).map(drop),
    }
}

/// The command for a pending operation of these values.
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
            decoded += usize::from(decode(rng.u8(..), 200, &bytes).is_ok());
        }
        assert!(decoded > 2_000 && decoded < 20_000, "{decoded} bodies were decoded");
    }
}
