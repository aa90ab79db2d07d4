//! `agentapi call` is a host like any other, and keeps what the conformance kit asks of one.

use agentapi_host_conformance::program::Program;
use agentapi_host_conformance::{Options, run};

/// Enough of the recorded exchanges to see that the lines say what the host says: `tests/conformance` plays all of them.
const RECORDED: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_host_keeps_every_promise() {
    let program = Program { path: env!("CARGO_BIN_EXE_agentapi").into(), args: vec!["call".into()], controller: None };
    let report = run(&program, &Options { only: None, recorded: Some(RECORDED), jobs: 4 }).await;
    assert!(report.is_kept(), "{report}");
    let checks: Vec<_> = report.sections.iter().map(|section| section.checks.len()).collect();
    assert_eq!(checks.len(), 11, "nine promises, faults, recorded exchanges");
    assert!(checks.iter().all(|count| *count > 5), "{checks:?}");
}
