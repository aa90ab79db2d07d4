//! What comes before the first call: compiling, loading what was compiled, instantiating, and all of it in a fresh process.

use std::io::Write;
use std::path::Path;

use agentapi_host::{Host, Target};
use tokio::runtime::Runtime;

use crate::agent::{Agents, typical};
use crate::paired::{Effort, Race};
use crate::programs::{client_of, programs};

pub(crate) fn run(effort: &Effort, runtime: &Runtime, host: &Host) {
    let agents = Agents::start(1, &typical());
    let connection = agents.first();
    let mut race = Race::new(effort, "a client's first call, which sends nothing: instantiate and connect", 200);
    race.add("component", 20, |count| {
        runtime.block_on(async {
            for _ in 0..count {
                host.agent(connection.clone()).unwrap().fs_uuid("uuid:1").await.unwrap();
            }
        });
    });
    race.run();

    let cache = tempfile::tempdir().unwrap();
    let mut race = Race::new(effort, "a host: engine, linker, component", 20);
    race.add("compiled before", 10, |count| {
        (0..count).for_each(|_| drop(Host::builder().cache_dir(cache.path()).build().unwrap()));
    });
    race.add("compiled now", 1, |_| drop(Host::builder().build().unwrap()));
    race.run();
    fresh_process(effort, connection, cache.path());
}

/// From nothing to the first answer, printed.
fn fresh_process(effort: &Effort, connection: &Target, cache: &Path) {
    let programs = programs();
    let mut race = Race::new(effort, "a fresh process to its first answer, compiled before", 40);
    race.add("native", 1, |_| first_answer(&programs.native, &[], connection, cache));
    race.add("component", 1, |_| first_answer(&programs.agentapi, &["call"], connection, cache));
    race.run();
}

fn first_answer(program: &Path, arguments: &[&str], connection: &Target, cache: &Path) {
    let mut child = client_of(connection, program).args(arguments).env("AGENTAPI_CACHE_DIR", cache).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"{\"op\":\"storage\"}\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
}
