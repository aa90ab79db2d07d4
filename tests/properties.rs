//! What holds for any line on the input of `agentapi call`, tried on random ones from a fixed seed; `fuzz/` tries it for
//! longer.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use agentapi_cli::Request;
use agentapi_host::Error;
use fastrand::Rng;

const TRIES: usize = 20_000;

#[test]
fn any_line_is_a_request_or_says_why_not() {
    let mut rng = Rng::with_seed(3);
    let line = r#"{"id": [1, "x"], "op": "format-disk", "args": {"device": "/dev/sdb1", "confirmed": true, "x": 1e9}}"#;
    let mut read = 0;
    for _ in 0..TRIES {
        let mut bytes = line.as_bytes().to_vec();
        for _ in 0..rng.usize(0..4) {
            if bytes.is_empty() {
                break;
            }
            let place = rng.usize(0..bytes.len());
            match rng.u8(0..3) {
                0 => bytes[place] = rng.u8(..),
                1 => drop(bytes.remove(place)),
                _ => bytes.truncate(place + 1),
            }
        }
        match Request::read(&bytes).operation {
            Ok(_) => read += 1,
            Err(error) => assert!(matches!(error, Error::InvalidArgument(_)), "{error:?}"),
        }
    }
    assert!(read > TRIES / 10 && read < TRIES, "{read} of {TRIES} were requests");
}
