//! Plugs an extension onto the client: `cargo run --package plug -- CLIENT.wasm EXTENSION.wasm OUTPUT.wasm`.
//!
//! The client is what `agentapi_host::embedded_component` gives; it lies in
//! `host-harness/component/agentapi.wasm`. The output is one component, for
//! `HostBuilder::component_file` and `Agent::run_plugged`.

mod compose;

use std::error::Error;
use std::fs;
use std::process::ExitCode;

fn main() -> ExitCode {
    match plug() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn plug() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [client, extension, output] = arguments.as_slice() else {
        return Err("expected CLIENT.wasm EXTENSION.wasm OUTPUT.wasm".into());
    };
    let plugged = compose::plug(&read(client)?, &read(extension)?)?;
    fs::write(output, &plugged).map_err(|why| format!("cannot write {output}: {why}"))?;
    println!("{output}: {} bytes", plugged.len());
    Ok(())
}

fn read(file: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(fs::read(file).map_err(|why| format!("cannot read {file}: {why}"))?)
}
