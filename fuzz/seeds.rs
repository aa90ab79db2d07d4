//! Makes the first corpus of `decode`, `answer` and `call` from the recorded exchanges: `cargo run --bin seeds`.
#![allow(clippy::indexing_slicing, reason = "a JSON value gives null where there is nothing")]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Result};
use std::path::{Path, PathBuf};

use agentapi_contract::Route;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

fn main() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = File::open(here.join("../tests/conformance/cases.jsonl.gz"))?;
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
    Ok(())
}

fn write(folder: PathBuf, number: usize, seed: &[u8]) -> Result<()> {
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("seed-{number:04}")), seed)
}
