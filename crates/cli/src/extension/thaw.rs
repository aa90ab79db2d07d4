//! Waiting for the thaw: before a run for the one that an earlier process left undone, after it for its own.

use agentapi_host::quiesce::Coordinator;

use crate::error::CommandError;
use crate::print::escape::visible;
use crate::process::signals::Termination;
use crate::process::stderr::stderr;
use crate::status::ExitStatus;

/// Waits until what an earlier process left frozen is thawed. The coordinator has begun to thaw it when it was opened.
pub(super) async fn thaw_leftover(coordinator: &Coordinator, termination: &mut Termination) -> anyhow::Result<()> {
    let Some(leftover) = coordinator.status() else { return Ok(()) };
    tracing::warn!(holder = ?leftover.holder, "an earlier run was ended while it was frozen: thawing");
    wait_until_thawed(coordinator, termination).await
}

/// Waits until nothing is frozen. A signal ends the wait with an error that says why the last thaw failed.
pub(super) async fn wait_until_thawed(coordinator: &Coordinator, termination: &mut Termination) -> anyhow::Result<()> {
    tokio::select! {
        thawed = coordinator.idle() => thawed.map_err(|still| still_frozen(visible(&still.to_string()).into_owned()).into()),
        _ = termination.recv() => {
            let failures = coordinator.status().map(|status| status.failures).unwrap_or_default();
            let latest = failures.last().map_or("no attempt has ended yet", String::as_str);
            Err(still_frozen(format!(
                "interrupted while something may still be frozen ({}); the next run with the same --freeze, --thaw and \
                 --journal thaws first",
                visible(latest)
            ))
            .into())
        }
    }
}

/// The error of a command that ends with something frozen. What it says must not be written to a disk by this process,
/// which would then wait for the thaw.
fn still_frozen(text: String) -> CommandError {
    stderr().park().for_good();
    CommandError::new(text).with_status(ExitStatus::Frozen)
}
