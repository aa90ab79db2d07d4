//! What a person or a program has the agent do, beside runs. It goes on when they leave, and an event says who it was.

use agentapi_host::records::{AssignRequest, EjectResult};
use agentapi_host::{Agent, Error, error_chain};
use axum::Json;

use crate::actor::Actor;
use crate::api::ApiState;
use crate::api::access::Rights;
use crate::api::problem::Problem;
use crate::event::{EventKind, NewEvent, Severity};

/// Has a disk mounted in this guest.
pub(crate) async fn assign(state: &ApiState, rights: &Rights, request: AssignRequest) -> Result<Json<()>, Problem> {
    let what = format!("mount the disk {} at {}", request.uuid, request.mount_path);
    act(state, rights, what, async move |agent: Agent| agent.assign_disk(&request).await).await
}

/// Lets the disk go that is mounted there.
pub(crate) async fn eject(state: &ApiState, rights: &Rights, at: String) -> Result<Json<EjectResult>, Problem> {
    let what = format!("eject the disk at {at}");
    act(state, rights, what, async move |agent: Agent| agent.eject_disk(&at).await).await
}

/// Has the agent act. `what` says it for people, such as `eject the disk at /mnt/photos`.
///
/// What acts goes on when the client leaves: a handler is dropped then, and half an action is worse than a whole one.
pub(crate) async fn act<T, F>(
    state: &ApiState,
    rights: &Rights,
    what: String,
    call: impl FnOnce(Agent) -> F,
) -> Result<Json<T>, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let call = call(state.work.borrow().agent.clone());
    let (state, actor) = (state.clone(), Actor::from(rights.peer));
    let acting = tokio::spawn(async move {
        let outcome = call.await;
        tell(&state, actor, &what, outcome.as_ref().err());
        outcome
    });
    match acting.await {
        Ok(outcome) => Ok(Json(outcome?)),
        Err(panic) => Err(Error::Component(panic.into()).into()),
    }
}

fn tell(state: &ApiState, actor: Actor, what: &str, failure: Option<&Error>) {
    let (severity, how) = match failure {
        None => (Severity::Info, "done".to_owned()),
        Some(why) if why.may_have_acted() => {
            (Severity::Warning, format!("it is not known whether that was done: {}", error_chain(why)))
        }
        Some(why) => (Severity::Info, format!("not done: {}", error_chain(why))),
    };
    let text = format!("{actor} has asked to {what}: {how}");
    let event = NewEvent { kind: EventKind::AgentAsked, severity, subject: "agent".into(), run: None, text };
    let at = state.clock.now();
    if let Err(why) = state.store.writer().post(move |tx| tx.event(at, event)) {
        tracing::error!(error = %error_chain(&why), %actor, what, "who has had the agent act is not written down");
    }
}
