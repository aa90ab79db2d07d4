//! Endpoints: parsing ends, what was parsed is printed as something that parses to the same, and it is no other part of
//! a URI than the authority.
#![no_main]

use agentapi_contract::Authority;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(authority) = text.parse::<Authority>() else { return };
    let printed = authority.to_string();
    assert_eq!(printed.parse(), Ok(authority));
    assert!(!printed.contains(['/', '?', '#', '@', '%', '\\']) && printed.is_ascii(), "{printed}");
});
