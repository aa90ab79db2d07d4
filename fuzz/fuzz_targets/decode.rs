//! The envelope and every payload: whatever the body, decoding ends, with a record or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (operation, status, body) = input;
    // Most bodies should get past the status.
    let status = if status % 4 == 0 { status } else { 200 };
    let _ = agentapi::fuzzing::decode(operation, status, body);
});
