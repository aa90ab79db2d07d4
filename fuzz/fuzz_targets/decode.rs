//! The envelope and every payload: whatever the body, decoding ends, with a record or an error.
#![no_main]

use agentapi_contract::Route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (number, status, body) = input;
    let Some(&route) = Route::ALL.get(usize::from(number) % Route::ALL.len()) else { return };
    // Most bodies should get past the status.
    let status = if status % 4 == 0 { status } else { 200 };
    let _ = agentapi::fuzzing::decode(route, status, body);
});
