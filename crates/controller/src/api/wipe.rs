//! A wipe that a program asks for over the API. A person has to approve it; here nobody can be asked, so that it is refused.

use agentapi_host::records::{FormatRequest, FormatResult};

use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::{Problem, ProblemKind};

/// Asks for a confirmed format of a disk.
pub(super) async fn ask(_: &ApiState, _: &Rights, request: FormatRequest) -> Result<FormatResult, Problem> {
    let text = format!("a person must approve that {} is wiped, and nobody can be asked over this API", request.device);
    Err(Problem::new(ProblemKind::NeedsApproval, text))
}
