//! The function `disks.format`: the one operation whose answer is read whatever its status, because its data says which
//! person has to decide.
//!
//! A wipe cannot be undone. So an answer that could be misread is an error here, and never a guess.

use alloc::string::ToString;
use alloc::vec::Vec;

use agentapi_contract::Route;

use crate::bindings::felhom::agentapi::types::{Error, FormatError, FormatRequest, FormatResult, PendingOp};
use crate::envelope::{Envelope, missing_data, status_error};
use crate::json::{self, Value, record};
use crate::transport::{self, Answer};

/// Sends the request, and tells from the answer whether the disk was formatted or who has to decide.
pub(crate) fn format(request: &FormatRequest) -> Result<FormatResult, FormatError> {
    let body = body(request).map_err(FormatError::Failed)?;
    decide(&transport::post(Route::FormatDisk, &body).map_err(FormatError::Failed)?)
}

/// The body of the request. A confirmation is sent as a flag and the durable id that it is for.
fn body(request: &FormatRequest) -> Result<Vec<u8>, Error> {
    // A confirmation is bound to the one disk that the customer was shown. An empty id is bound to none.
    if request.confirmation.as_deref() == Some("") {
        let why = "confirmation: expected the durable id that the customer confirmed, found nothing";
        return Err(Error::InvalidArgument(why.to_string()));
    }
    // Source: body of POST /disks/format.
    Ok(json::write(&[
        ("device", Value::Text(&request.device)),
        ("fstype", Value::Text(&request.fstype)),
        ("confirmed", Value::Flag(request.confirmation.is_some())),
        ("durable_id", Value::Text(request.confirmation.as_deref().unwrap_or_default())),
    ]))
}

/// What an answer means. The first of these that holds decides, as the agent's API documents it:
///
/// 1. The disk was formatted.
/// 2. The customer must confirm.
/// 3. The operator must sign: the status is 403, or there is data on the disk.
/// 4. The disk was not formatted, for the reason in the answer; an error where the status or the envelope is one.
pub(crate) fn decide(answer: &Answer) -> Result<FormatResult, FormatError> {
    let is_success = (200..300).contains(&answer.status);
    let is_forbidden = answer.status == 403;
    // Where the status is an error, it says more than what is wrong with the body.
    let failed = |error| FormatError::Failed(if is_success { error } else { status_error(answer) });

    let mut result = FormatResult::default();
    let envelope = Envelope::read(&answer.body, &mut result).map_err(failed)?;
    match envelope.data {
        // Data that cannot be read may say that a person must decide. So this is an error whatever the status is, and
        // no answer is made of the fields that could be read.
        Some(Err(error)) => return Err(FormatError::Failed(error)),
        None if envelope.ok && is_success => return Err(FormatError::Failed(missing_data())),
        Some(Ok(())) | None => {}
    }
    if result.formatted {
        Ok(result)
    } else if result.needs_confirmation {
        // Where a person must decide there is data at stake, even if the agent does not say so.
        Err(FormatError::NeedsConfirmation(FormatResult { data_bearing: true, ..result }))
    } else if is_forbidden || result.data_bearing {
        Err(FormatError::Refused(FormatResult { data_bearing: true, ..result }))
    } else if envelope.ok && is_success {
        Ok(result)
    } else {
        Err(failed(Error::Agent(envelope.error)))
    }
}

record! {
    /// Source: data of POST /disks/format.
    FormatResult {
        "vmid" => vmid: Int,
        "device" => device: Text,
        "formatted" => formatted: Flag,
        "data_bearing" => data_bearing: Flag,
        "reason" => reason: Text,
        "role" => role: Variant,
        "needs_confirmation" => needs_confirmation: Flag,
        "durable_id" => durable_id: Text,
        "pending_op" => pending_op: RecordOrNone,
    }
}

record! {
    PendingOp {
        "op" => op: Text,
        "host_scope" => host_scope: Text,
        "durable_id" => durable_id: Text,
        "fstype" => fstype: Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::felhom::agentapi::types::{DiskRole, HttpAnswer};

    fn outcome(status: u16, body: &str) -> String {
        let name = |name: &str, result: &FormatResult| format!("{name} data-bearing={}", result.data_bearing);
        match decide(&Answer { status, body: body.into() }) {
            Ok(result) if result.formatted => name("formatted", &result),
            Ok(result) => name("not formatted", &result),
            Err(FormatError::NeedsConfirmation(result)) => name("needs confirmation", &result),
            Err(FormatError::Refused(result)) => name("refused", &result),
            Err(FormatError::Failed(Error::Agent(text))) => format!("agent {text}"),
            Err(FormatError::Failed(Error::HttpStatus(HttpAnswer { status, text }))) => {
                format!("status {status} {text}").trim_end().into()
            }
            Err(FormatError::Failed(Error::BadEnvelope(_))) => "bad-envelope".into(),
            Err(FormatError::Failed(Error::Decode(_))) => "decode".into(),
            Err(FormatError::Failed(other)) => format!("{other:?}"),
        }
    }

    /// Every combination of formatted, needs_confirmation, data_bearing, status and ok, against the rule as the API
    /// documents it, written down a second time.
    #[test]
    fn the_whole_decision_table_holds() {
        let flags = [false, true];
        for (formatted, confirm, bearing, ok) in every_combination(flags) {
            for status in [200, 202, 403, 409, 500] {
                let body = format!(
                    r#"{{"ok":{ok},"error":"no","data":{{"formatted":{formatted},"needs_confirmation":{confirm},
                        "data_bearing":{bearing}}}}}"#
                );
                let expected = match (formatted, confirm, bearing, ok, status) {
                    (true, ..) => format!("formatted data-bearing={bearing}"),
                    (_, true, ..) => "needs confirmation data-bearing=true".into(),
                    (_, _, true, ..) | (.., 403) => "refused data-bearing=true".into(),
                    (.., 409 | 500) => format!("status {status} no"),
                    (_, _, _, false, _) => "agent no".into(),
                    _ => "not formatted data-bearing=false".into(),
                };
                assert_eq!(outcome(status, &body), expected, "{status} {body}");
            }
        }
    }

    fn every_combination(flags: [bool; 2]) -> impl Iterator<Item = (bool, bool, bool, bool)> {
        flags.into_iter().flat_map(move |a| {
            flags.into_iter().flat_map(move |b| flags.into_iter().flat_map(move |c| flags.map(|d| (a, b, c, d))))
        })
    }

    #[test]
    fn an_answer_that_is_not_the_documented_one_fails_unless_the_status_forbids() {
        let cases = [
            (200, r#"{"ok":true}"#, "decode"),
            (200, r#"{"ok":true,"data":[]}"#, "decode"),
            (403, r#"{"ok":false,"data":[]}"#, "decode"),
            (500, r#"{"ok":false,"data":{"formatted":1}}"#, "decode"),
            (200, r#"{"ok":false,"error":"no"}"#, "agent no"),
            (200, "<html>", "bad-envelope"),
            (500, "<html>", "status 500"),
            (403, "<html>", "status 403"),
            (403, r#"{"ok":false,"error":"no"}"#, "refused data-bearing=true"),
            (500, r#"{"ok":false,"error":"no"}"#, "status 500 no"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(outcome(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn every_field_is_read() {
        let body = r#"{"ok":false,"data":{"vmid":101,"device":"/dev/sda","formatted":false,"data_bearing":true,
            "reason":"root","role":"system","needs_confirmation":false,"durable_id":"byid:1",
            "pending_op":{"op":"storage_wipe","host_scope":"h","durable_id":"byid:1","fstype":"ext4"}}}"#;
        let Err(FormatError::Refused(result)) = decide(&Answer { status: 403, body: body.into() }) else {
            panic!("not refused")
        };
        assert_eq!((result.vmid, &*result.device, &*result.reason), (101, "/dev/sda", "root"));
        assert!(matches!(result.role, DiskRole::System));
        let op = result.pending_op.unwrap();
        assert_eq!((&*op.op, &*op.host_scope, &*op.durable_id, &*op.fstype), ("storage_wipe", "h", "byid:1", "ext4"));
    }

    #[test]
    fn a_confirmation_names_the_disk() {
        let request = |confirmation: Option<&str>| FormatRequest {
            device: "/dev/sdb1".into(),
            fstype: "ext4".into(),
            confirmation: confirmation.map(String::from),
        };
        let json = |confirmation| String::from_utf8(body(&request(confirmation)).unwrap()).unwrap();
        let expected = r#"{"device":"/dev/sdb1","fstype":"ext4","confirmed":true,"durable_id":"uuid:1"}"#;
        assert_eq!(json(Some("uuid:1")), expected);
        assert!(json(None).ends_with(r#""confirmed":false,"durable_id":""}"#));
        assert!(matches!(body(&request(Some(""))), Err(Error::InvalidArgument(_))));
    }
}
