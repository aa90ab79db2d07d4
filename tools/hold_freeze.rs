//! Freezes with programs and never thaws: for the test that kills it.
//!
//! ```text
//! hold_freeze JOURNAL FREEZE THAW
//! ```
//!
//! Prints `frozen` when it has frozen, and then waits for its end.

#[cfg(unix)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    use std::sync::Arc;

    use agentapi_quiesce::{Coordinator, Programs};
    use anyhow::Context;

    let mut arguments = std::env::args().skip(1);
    let mut next = |name| arguments.next().with_context(|| format!("{name} is missing"));
    let (journal, freeze, thaw) = (next("JOURNAL")?, next("FREEZE")?, next("THAW")?);
    let programs = Programs::parse(&[freeze], &[thaw])?;
    let settings = programs.settings();
    let coordinator = Coordinator::open(journal, Arc::new(programs), settings)?;
    coordinator.idle().await;
    let _lease = coordinator.freeze("hold_freeze").await?;
    println!("frozen");
    std::future::pending().await
}

#[cfg(not(unix))]
fn main() {}
