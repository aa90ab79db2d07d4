//! An extension that does what an extension must not do, so that tests can see the host stop it. The input says what.
//!
//! Its world is its own, so that it also imports `wasi:cli/stdout`: the log is one of the things to flood.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs, unreachable_pub, unsafe_code, reason = "generated code crosses the component boundary")]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;

#[cfg(target_arch = "wasm32")]
use agentapi_component_runtime as _;
use exports::test::misbehaving::things::{self, GuestThing, Thing};
use felhom::agentapi::quiesce::QuiesceError;
use felhom::agentapi::types::{Error, FormatError, FormatRequest};
use felhom::agentapi::{backup, disks, quiesce};
use wasi::random::random;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package test:misbehaving;
        world misbehaving {
            import felhom:agentapi/backup@0.2.1;
            import felhom:agentapi/disks@0.2.1;
            import felhom:agentapi/quiesce@0.2.1;
            import wasi:cli/stdout@0.2.0;
            import wasi:random/random@0.2.0;
            export felhom:agentapi/policy@0.2.1;
            export things;
        }
        interface things {
            resource thing {
                constructor();
            }
        }
    ",
    world: "test:misbehaving/misbehaving",
    generate_all,
});

struct Misbehaving;

/// A resource of its own, whose handles the host keeps.
struct OwnThing;

impl GuestThing for OwnThing {
    fn new() -> Self {
        Self
    }
}

impl things::Guest for Misbehaving {
    type Thing = OwnThing;
}

#[cfg(target_arch = "wasm32")]
export!(Misbehaving);

impl exports::felhom::agentapi::policy::Guest for Misbehaving {
    fn run(input: String) -> Result<String, String> {
        // Also accepted as a JSON text, because `agentapi policy run` passes nothing else, and as the one value of an object,
        // because that is what the controller passes.
        let input = input.strip_prefix("{\"do\":").and_then(|rest| rest.strip_suffix('}')).unwrap_or(&input);
        match input.trim_matches('"') {
            "compute without end" => compute(),
            "take all memory" => exhaust_memory(),
            "recurse" => Ok(recurse(0).to_string()),
            "call without end" => call_without_end(),
            "flood the log" => flood_log(),
            "take random bytes without end" => loop_without_end(|| black_box(random::get_random_bytes(65_536)).len()),
            "take many random bytes at once" => Ok(random::get_random_bytes(65_537).len().to_string()),
            "pass large arguments without end" => {
                let device = "x".repeat(1_000_000);
                loop_without_end(|| wipe(&format!("{device}=x")).map_or(0, |text| text.len()))
            }
            "pass an argument that is too large" => wipe(&format!("{}=x", "x".repeat(1024 * 1024))),
            "fill the memory and pass the rest" => fill_memory_and_pass(),
            "take streams without end" => take_without_end(wasi::cli::stdout::get_stdout),
            "make resources without end" => take_without_end(|| Thing::new(OwnThing)),
            "return too much" => Ok("x".repeat(4 * 1024 * 1024)),
            "trap" => panic!("as asked"),
            "fail" => Err("as asked".to_string()),
            "due" => backup::due().map(|due| due.reason).map_err(|error| kind(&error)),
            "start" => backup::start().map(|job| job.job_id).map_err(|error| kind(&error)),
            "freeze" => freeze(),
            "freeze and trap" => freeze().map(|_| -> String { panic!("as asked") }),
            "freeze and compute without end" => freeze().and_then(|_| compute()),
            "freeze and thaw" => freeze().and_then(|_| thaw()),
            "freeze, start and thaw" => freeze().and_then(|_| {
                // Denied where it is not granted, which is for the host to see.
                let _ = backup::start();
                thaw()
            }),
            "freeze twice" => freeze().and_then(|_| freeze()),
            "thaw" => thaw(),
            "list" => disks::list().map(|list| list.disks.len().to_string()).map_err(|error| kind(&error)),
            other => wipe(other),
        }
    }
}

fn freeze() -> Result<String, String> {
    quiesce::freeze().map(|()| "frozen".to_string()).map_err(|error| quiesce_kind(&error))
}

fn thaw() -> Result<String, String> {
    quiesce::thaw()
        .map(|report| format!("thawed by {:?}: {:?}", report.ended_by, report.consistency))
        .map_err(|error| quiesce_kind(&error))
}

fn quiesce_kind(error: &QuiesceError) -> String {
    match error {
        QuiesceError::Denied(rule) => format!("denied: {rule}"),
        QuiesceError::Busy(holder) => format!("busy: {holder}"),
        QuiesceError::AlreadyFrozen => "already-frozen".to_string(),
        QuiesceError::NotFrozen => "not-frozen".to_string(),
        QuiesceError::Failed(why) => format!("failed: {why}"),
    }
}

fn compute() -> Result<String, String> {
    let mut count = 0_u64;
    loop {
        count = black_box(count.wrapping_add(1));
    }
}

fn exhaust_memory() -> Result<String, String> {
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        taken.push(vec![1; 1024 * 1024]);
        black_box(&taken);
    }
}

fn recurse(depth: u64) -> u64 {
    // An array in each frame, so that not many calls are needed to exhaust the stack.
    let here = black_box([depth; 64]);
    if here[0] == u64::MAX { 0 } else { recurse(depth + 1) + here[1] }
}

fn loop_without_end(step: impl Fn() -> usize) -> Result<String, String> {
    loop {
        black_box(step());
    }
}

/// Keeps what it takes.
fn take_without_end<T>(take: impl Fn() -> T) -> Result<String, String> {
    let mut taken = Vec::new();
    loop {
        taken.push(take());
        black_box(&taken);
    }
}

/// Takes what memory there is, but for less than the argument that it then passes needs on the host.
fn fill_memory_and_pass() -> Result<String, String> {
    let argument = format!("{}=x", "x".repeat(600_000));
    let taken = vec![1_u8; 14 * 1024 * 1024];
    black_box(&taken);
    wipe(&argument)
}

fn call_without_end() -> Result<String, String> {
    loop {
        let _ = black_box(backup::due());
    }
}

fn flood_log() -> Result<String, String> {
    let stdout = wasi::cli::stdout::get_stdout();
    loop {
        if let Err(error) = stdout.blocking_write_and_flush(&[b'x'; 4096]) {
            return Err(format!("{error:?}"));
        }
    }
}

/// Asks for a wipe with a forged confirmation: the input is the device, and the durable id that it claims was
/// confirmed.
fn wipe(input: &str) -> Result<String, String> {
    let (device, id) = input.split_once('=').ok_or("expected DEVICE=DURABLE-ID")?;
    let request = FormatRequest { device: device.into(), fstype: "ext4".into(), confirmation: Some(id.into()) };
    match disks::format(&request) {
        Ok(result) => Ok(format!("formatted: {}", result.formatted)),
        Err(FormatError::Failed(error)) => Err(kind(&error)),
        Err(FormatError::NeedsConfirmation(_)) => Err("needs-confirmation".to_string()),
        Err(FormatError::Refused(_)) => Err("refused".to_string()),
    }
}

fn kind(error: &Error) -> String {
    match error {
        Error::Denied(rule) => format!("denied: {rule}"),
        other => format!("{other:?}"),
    }
}
