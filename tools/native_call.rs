//! One call by a native client, in a process of its own: what `agentapi call` is compared with. Endpoint, fingerprint and
//! token are read from the same variables. Run by `benches/compare/starting.rs`.
#![allow(clippy::unwrap_used, reason = "shared with a benchmark, in which a failure ends everything")]

#[path = "../benches/compare/native.rs"]
mod native;
#[path = "../benches/compare/records.rs"]
mod records;

use std::env;
use std::io::stdin;

use agentapi_host::Target;
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [endpoint, token, pin] = ["AGENTAPI_ENDPOINT", "AGENTAPI_TOKEN", "AGENTAPI_FINGERPRINT"].map(env::var);
    let connection = Target::parse(&endpoint?, &token?, [pin?])?;
    // Which operation does not matter: there is one. The other program waits for its line too.
    stdin().read_line(&mut String::new())?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let storage = runtime.block_on(native::Native::new(&connection).get::<records::Storage>("/storage"));
    println!("guest {}: {} mounts", storage.vmid, storage.mounts.len());
    Ok(())
}
