//! Makes the first corpus, of `decode`, `answer` and `call` from the recorded exchanges, and of `load` from the project's
//! components: `cargo run --bin seeds`.
#![allow(clippy::indexing_slicing, reason = "a JSON value gives null where there is nothing")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Result};
use std::path::{Path, PathBuf};

use agentapi_contract::Route;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

fn main() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = File::open(here.join("../tools/host-conformance/recorded/cases.jsonl.gz"))?;
    for (number, line) in BufReader::new(GzDecoder::new(recorded)).lines().enumerate() {
        let case: Value = serde_json::from_str(&line?)?;
        let request = json!({ "id": number, "op": case["op"], "args": case["args"] });
        write(here.join("corpus/call"), number, request.to_string().as_bytes())?;
        let Some(body) = case["server"]["body"].as_str() else { continue };
        let answer = format!("content-length: {}\r\n\r\n{body}", body.len());
        write(here.join("corpus/answer"), number, &[&[1], answer.as_bytes()].concat())?;
        let Some(place) = Route::ALL.iter().position(|route| case["op"] == route.name()) else { continue };
        let status = case["server"]["status"].as_u64().unwrap_or(200);
        // As `decode` reads it: the route's place in the table, the status in little-endian, and the body.
        let head = [place as u8, status as u8, (status >> 8) as u8];
        write(here.join("corpus/decode"), number, &[&head, body.as_bytes()].concat())?;
    }
    for (number, name) in ["agentapi.wasm", "backup_loop.wasm"].into_iter().enumerate() {
        let wasm = fs::read(here.join("../host-harness/component").join(name))?;
        write(here.join("corpus/load"), number, &wasm)?;
        // The parts of a component that are not code are its beginning and end, which are short enough to be changed often.
        write(here.join("corpus/load"), 10 + number, wasm.get(..4096).unwrap_or_default())?;
    }
    // The shortest component, one with an empty core module, and one with a type.
    for (number, sections) in [&b""[..], b"\x01\x08\0asm\x01\0\0\0", b"\x07\x03\x01\x41\0"].into_iter().enumerate() {
        write(here.join("corpus/load"), 20 + number, &[b"\0asm\x0d\0\x01\0", sections].concat())?;
    }
    Ok(())
}

fn write(folder: PathBuf, number: usize, seed: &[u8]) -> Result<()> {
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("seed-{number:04}")), seed)
}
