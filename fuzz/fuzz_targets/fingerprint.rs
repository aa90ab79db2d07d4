//! Fingerprints: parsing ends; parsing, printing and parsing again is the identity.
#![no_main]

use agentapi_contract::Fingerprint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(fingerprint) = text.parse::<Fingerprint>() else { return };
    let printed = fingerprint.to_string();
    assert_eq!(printed.parse(), Ok(fingerprint));
    assert_eq!(printed.to_lowercase().replace(':', "").parse(), Ok(fingerprint));
});
