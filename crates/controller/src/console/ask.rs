//! What a page asks of others, and what stands in place of an answer that does not come: the rest of the page is shown.

use std::time::Duration;

use agentapi_host::Error;
use tokio::time::timeout;

use crate::api::problem::Problem;
use crate::console::time::length;
use crate::console::trouble::advice;
use crate::console::words::shown;
use crate::store::StoreError;

/// Why something cannot be shown, and what to do.
#[derive(Debug)]
pub(super) struct Absent {
    pub(super) what: String,
    pub(super) advice: &'static str,
}

/// Asks the agent, and waits for less long than a program would.
pub(super) async fn agent<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Absent> {
    match timeout(PATIENCE, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(why)) => Err(Absent::new(why.into())),
        Err(_) => Err(Absent {
            what: format!("The host agent has not answered for {} s.", PATIENCE.as_secs()),
            advice: "Load the page again. If that does not help, ask the operator of the host whether it runs.",
        }),
    }
}

impl Absent {
    fn new(problem: Problem) -> Self {
        Self { what: shown(problem.detail()), advice: advice(problem.kind()) }
    }
}

impl From<StoreError> for Absent {
    fn from(why: StoreError) -> Self {
        match why {
            StoreError::Parked(since) => Self {
                what: format!(
                    "The history is frozen with the disk, for {} so far.",
                    length(since.try_into().unwrap_or_default())
                ),
                advice: "A backup is being captured. The history is there again after the thaw, in moments.",
            },
            other => Self::new(other.into()),
        }
    }
}

/// A person waits for the page.
const PATIENCE: Duration = Duration::from_secs(3);
