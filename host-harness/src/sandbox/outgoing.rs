//! An exchange as the component sees it: `handle` of `wasi:http`, and the future that it returns.
//!
//! These four functions replace those of wasmtime-wasi-http, which starts a task for each request and another for each
//! answer. Here a request without a body is answered within `handle`, without a task to start or to wake. That saves a
//! tenth of a call's time, and a quarter where many run at once. A request with a body does have a task, because the
//! component writes the body after `handle` has returned.

use std::mem;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full};
use tokio::task::spawn;
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HostIncomingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{FieldMap, RequestOptions};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use crate::network::Answer;
use crate::sandbox::store::State;

/// The interfaces with the version under which wasmtime-wasi-http adds them. Under another version these functions
/// would stand beside its own instead of replacing them, and not be called.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// A `future-incoming-response`.
pub(crate) enum FutureResponse {
    /// The exchange is under way in a task, which is aborted when this is dropped.
    Pending(AbortOnDropHandle<Result<Answer, ErrorCode>>),
    Ready(Result<Answer, ErrorCode>),
    /// The component has taken the answer.
    Consumed,
}

/// The arguments of `handle`.
type HandleArguments = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

/// The result of `get` of a `future-incoming-response`: none while there is no answer, an error after it was taken.
type GetResult = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

/// Replaces these functions of wasmtime-wasi-http.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.resource("future-incoming-response", ResourceType::host::<FutureResponse>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<FutureResponse>::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap(
        "[method]future-incoming-response.subscribe",
        |mut store, (response,): (Resource<FutureResponse>,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Ok((subscribe(&mut store.data_mut().table, response)?,))
        },
    )?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut store, (response,): (Resource<FutureResponse>,)| -> wasmtime::Result<(GetResult,)> {
            Ok((get(&mut store.data_mut().table, &response)?,))
        },
    )?;
    linker.instance(HANDLER)?.func_wrap_async("handle", |mut store, arguments: HandleArguments| {
        Box::new(async move { Ok((Ok::<_, ErrorCode>(handle(store.data_mut(), arguments).await?),)) })
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn handle(state: &mut State, (request, options): HandleArguments) -> wasmtime::Result<Resource<FutureResponse>> {
    let State { table, egress, .. } = state;
    if let Some(options) = options {
        // The component's time-outs. The host's deadline is the only one that counts.
        table.delete(options)?;
    }
    let request = table.delete(request)?;
    let has_body = request.body.is_some();
    let exchange = egress.exchange(request);
    let response = if has_body {
        FutureResponse::Pending(AbortOnDropHandle::new(spawn(exchange)))
    } else {
        FutureResponse::Ready(exchange.await)
    };
    Ok(table.push(response)?)
}

fn get(table: &mut ResourceTable, response: &Resource<FutureResponse>) -> wasmtime::Result<GetResult> {
    let response = table.get_mut(response)?;
    if matches!(response, FutureResponse::Pending(_)) {
        return Ok(None);
    }
    Ok(Some(match mem::replace(response, FutureResponse::Consumed) {
        FutureResponse::Ready(Ok(answer)) => Ok(Ok(table.push(to_incoming(answer))?)),
        FutureResponse::Ready(Err(code)) => Ok(Err(code)),
        FutureResponse::Pending(_) | FutureResponse::Consumed => Err(()),
    }))
}

/// What the component sees of an answer: status and body. No header of the agent reaches it.
fn to_incoming(answer: Answer) -> HostIncomingResponse {
    let body = Full::new(answer.body).map_err(|never| match never {}).boxed_unsync();
    let (status, headers) = (answer.status.as_u16(), FieldMap::default());
    HostIncomingResponse { status, headers, body: Some(HostIncomingBody::new(body)) }
}

#[async_trait]
impl Pollable for FutureResponse {
    async fn ready(&mut self) {
        if let Self::Pending(task) = self {
            // A panic in the task is a bug of the host, and must not look like an answer of the agent.
            let answer = task.await.unwrap_or_else(|panic| Err(ErrorCode::InternalError(Some(panic.to_string()))));
            *self = Self::Ready(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};
    use wasmtime::{Engine, Result};

    use super::{FutureResponse, HANDLER, State, TYPES};

    #[test]
    fn the_functions_that_are_replaced_are_there_under_these_versions() {
        let mut linker = Linker::<State>::new(&Engine::default());
        wasmtime_wasi_io::add_to_linker_async(&mut linker).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
        // Without `allow_shadowing`, what is there already cannot be defined; what it would take does not matter.
        let mut types = linker.instance(TYPES).unwrap();
        let resource =
            types.resource("future-incoming-response", ResourceType::host::<FutureResponse>(), |_, _| Ok(()));
        assert!(resource.is_err(), "wasmtime-wasi-http adds another version than {TYPES}");
        for name in ["[method]future-incoming-response.subscribe", "[method]future-incoming-response.get"] {
            assert!(define(&mut types, name).is_err(), "{name}");
        }
        assert!(define(&mut linker.instance(HANDLER).unwrap(), "handle").is_err(), "{HANDLER}");
    }

    fn define(interface: &mut LinkerInstance<'_, State>, name: &str) -> Result<()> {
        interface.func_wrap(name, |_, (_,): (Resource<FutureResponse>,)| Ok(()))
    }
}
