//! A wipe that a user of the API asks for: a run of its own waits for a person to approve it, as an extension's does.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use crate::action::{Action, Outcome};
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::{Problem, ProblemKind};
use crate::api::subjects::unexpected;
use crate::approval::{ApprovalId, WipeOrder};
use crate::run::RunId;
use crate::run::host::{LookError, look};

/// A wipe that waits for a person.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WipeAsked {
    /// The run that wipes the disk once a person has approved it, and ends with what came of it.
    pub(crate) run: RunId,
    /// What is to be approved.
    pub(crate) approval: ApprovalId,
}

/// Has the run made, and waits until a person is asked.
pub(crate) async fn ask(
    state: &ApiState,
    rights: &Rights,
    device: String,
    fstype: String,
    durable_id: String,
) -> Result<WipeAsked, Problem> {
    check(&fstype, &durable_id)?;
    let waiting = state.desk.waiting().borrow().clone();
    if let Some(open) = waiting.iter().find(|approval| approval.wipe.device == device) {
        let by = open.wipe.asked_by();
        let text = format!("approval {} of a wipe of {device} is waiting already, asked for by {by}", open.id);
        return Err(Problem::new(ProblemKind::Conflict, text));
    }
    // The run looks too, and shows the person what it sees. Here it is for an answer at once.
    let agent = state.work.borrow().agent.clone();
    look(&agent, &device, &durable_id).await.map_err(|why| problem(&device, why))?;
    let (waits, number) = oneshot::channel();
    let order = WipeOrder { device, durable_id, fstype, waits };
    let run = match state.owner.actions.ask(Action::Wipe(order), rights.peer.into()).await? {
        Outcome::Run(run) => run,
        other => return Err(unexpected(&other)),
    };
    match number.await {
        Ok(approval) => Ok(WipeAsked { run, approval }),
        Err(_) => {
            let text = format!("run {run} ended before a person was asked, and says why");
            Err(Problem::new(ProblemKind::Conflict, text))
        }
    }
}

/// What a person would be asked about in vain, because the client refuses it afterwards.
fn check(fstype: &str, durable_id: &str) -> Result<(), Problem> {
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=MAX_FSTYPE_BYTES).contains(&fstype.len()) || !fstype.bytes().all(is_named) {
        let text = format!("fstype: expected the name of a file system, up to {MAX_FSTYPE_BYTES} letters and digits");
        return Err(Problem::invalid(text));
    }
    if durable_id.is_empty() {
        return Err(Problem::invalid("durable_id: expected that of the disk that is to be wiped, found none"));
    }
    Ok(())
}

fn problem(device: &str, why: LookError) -> Problem {
    let kind = match why {
        LookError::Agent(why) => return why.into(),
        LookError::NoDevice => ProblemKind::NotFound,
        LookError::Twice | LookError::OtherDisk { .. } => ProblemKind::Conflict,
        LookError::Operators => ProblemKind::FormatRefused,
    };
    Problem::new(kind, format!("{device}: {why}"))
}

/// It is not done yet (RFC 9110, section 15.3.3), and the run tells when it is.
impl IntoResponse for WipeAsked {
    fn into_response(self) -> Response {
        let location = format!("/v1/runs/{}", self.run);
        (StatusCode::ACCEPTED, [(LOCATION, location)], Json(self)).into_response()
    }
}

/// Length of a file system's name: the longest of Linux has half of that.
const MAX_FSTYPE_BYTES: usize = 32;
