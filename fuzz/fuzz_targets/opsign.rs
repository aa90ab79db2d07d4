//! The operator's command: a shell splits it into the words that it was made of, and a person sees all of it.
#![no_main]
#![allow(clippy::expect_used, reason = "a panic is what is looked for")]

use agentapi_contract::is_visible;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|values: (&str, &str, &str)| {
    let (op, host, id) = values;
    match agentapi::fuzzing::opsign_command(op, host, id) {
        Ok(command) => {
            let words = shlex::split(&command).expect("a command that a shell can split");
            assert!(command.split('\n').all(is_visible));
            assert_eq!(words, ["felhom-opsign", "-op", op, "-host", host, "-durable-id", id]);
        }
        Err(_) => assert!([op, host, id].iter().any(|value| !value.split('\n').all(is_visible))),
    }
});
