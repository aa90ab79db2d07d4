//! What the component costs against a native client: `cargo bench --bench compare`. docs/performance.md says what came out.
//!
//! After `--`: names of groups, for these only; `--smoke` for a few samples, which show that it works and nothing else;
//! `--only component` for one contender of each race, to look at with a profiler.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a benchmark in which something fails has no result, and ends"
)]

mod agent;
#[path = "../../tests/e2e/built.rs"]
mod built;
mod calls;
mod decoding;
mod floor;
mod go;
mod memory;
mod native;
mod paired;
mod paths;
mod policy;
mod programs;
mod records;
mod starting;
mod stock;
mod throughput;

use agentapi_host::Host;
use tokio::runtime::{Builder, Runtime};

use crate::paired::Effort;

const GROUPS: [&str; 10] =
    ["small", "typical", "large", "stock", "throughput", "starting", "paths", "decoding", "policy", "memory"];

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((memory::CHILD, rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return memory::hold(rest);
    }
    let mut effort = Effort::default();
    let mut chosen = Vec::new();
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--smoke" => effort.is_smoke = true,
            "--only" => effort.only = rest.next(),
            group => chosen.push(GROUPS.into_iter().find(|known| *known == group).expect("the name of a group")),
        }
    }
    let host = Host::builder().build().unwrap();
    for group in if chosen.is_empty() { GROUPS.to_vec() } else { chosen } {
        run(group, &effort, &host);
    }
}

fn run(group: &str, effort: &Effort, host: &Host) {
    match group {
        "small" | "typical" | "large" => {
            calls::run(effort, group, &one_thread(), host, "one thread");
            calls::run(effort, group, &two_threads(), host, "two threads");
        }
        "stock" => calls::run_stock(effort, &one_thread(), host),
        "throughput" => throughput::run(effort, &two_threads(), host),
        "starting" => starting::run(effort, &one_thread(), host),
        "paths" => paths::run(effort, &one_thread(), host),
        "decoding" => decoding::run(effort, &one_thread(), host),
        "policy" => policy::run(effort, &one_thread(), host),
        "memory" => memory::run(effort),
        _ => unreachable!("not in GROUPS"),
    }
}

/// The runtime of a program that waits more than it computes: the quickest for one caller.
fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The runtime of a service.
fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
