//! An exchange as the component sees it: `handle` of `wasi:http`, and the future that it gives.
//!
//! These four functions stand in for those of wasmtime-wasi-http, which starts a task for each request and another for
//! each answer. Here a request without a body is answered within `handle`: nothing is started or woken, which is a tenth
//! of a call, and a quarter where many run. One with a body has a task, which reads what the component writes after `handle`.

use async_trait::async_trait;
use http_body_util::{BodyExt, Full};
use tokio_util::task::AbortOnDropHandle;
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HostIncomingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{FieldMap, RequestOptions};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use crate::network::Answer;
use crate::sandbox::store::State;

/// The interfaces as wasmtime-wasi-http adds them; another version would be added beside them, and not used.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// A `future-incoming-response`.
pub(crate) enum Exchange {
    /// Under way in a task, which ends when this is dropped.
    Running(AbortOnDropHandle<Result<Answer, ErrorCode>>),
    Answered(Result<Answer, ErrorCode>),
    /// The component has its answer.
    Taken,
}

/// The arguments of `handle`.
type HandleArguments = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

/// The result of `get` of a `future-incoming-response`: none where there is no answer yet, an error where it was taken.
type GetResult = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

/// Puts these functions in the place of those of wasmtime-wasi-http.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.resource("future-incoming-response", ResourceType::host::<Exchange>(), |mut store, rep| {
        store.data_mut().table.delete(Resource::<Exchange>::new_own(rep))?;
        Ok(())
    })?;
    types.func_wrap(
        "[method]future-incoming-response.subscribe",
        |mut store, (exchange,): (Resource<Exchange>,)| -> wasmtime::Result<(Resource<DynPollable>,)> {
            Ok((subscribe(&mut store.data_mut().table, exchange)?,))
        },
    )?;
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut store, (exchange,): (Resource<Exchange>,)| -> wasmtime::Result<(GetResult,)> {
            Ok((get(&mut store.data_mut().table, &exchange)?,))
        },
    )?;
    linker.instance(HANDLER)?.func_wrap_async("handle", |mut store, arguments: HandleArguments| {
        Box::new(async move { Ok((Ok::<_, ErrorCode>(handle(store.data_mut(), arguments).await?),)) })
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn handle(state: &mut State, (request, options): HandleArguments) -> wasmtime::Result<Resource<Exchange>> {
    let State { table, egress, .. } = state;
    if let Some(options) = options {
        // The host's deadline is the only one.
        table.delete(options)?;
    }
    let request = table.delete(request)?;
    let has_body = request.body.is_some();
    let exchange = egress.exchange(request);
    let exchange = if has_body {
        Exchange::Running(AbortOnDropHandle::new(tokio::spawn(exchange)))
    } else {
        Exchange::Answered(exchange.await)
    };
    Ok(table.push(exchange)?)
}

fn get(table: &mut ResourceTable, exchange: &Resource<Exchange>) -> wasmtime::Result<GetResult> {
    let exchange = table.get_mut(exchange)?;
    if matches!(exchange, Exchange::Running(_)) {
        return Ok(None);
    }
    Ok(Some(match std::mem::replace(exchange, Exchange::Taken) {
        Exchange::Answered(Ok(answer)) => Ok(Ok(table.push(to_response(answer))?)),
        Exchange::Answered(Err(code)) => Ok(Err(code)),
        Exchange::Running(_) | Exchange::Taken => Err(()),
    }))
}

/// What the component sees of an answer: the status and the body. No header of the agent reaches it.
fn to_response(answer: Answer) -> HostIncomingResponse {
    let body = Full::new(answer.body).map_err(|never| match never {}).boxed_unsync();
    let (status, headers) = (answer.status.as_u16(), FieldMap::default());
    HostIncomingResponse { status, headers, body: Some(HostIncomingBody::new(body)) }
}

#[async_trait]
impl Pollable for Exchange {
    async fn ready(&mut self) {
        if let Self::Running(running) = self {
            // A panic in the task is a bug of the host, and not the agent's answer.
            let answer = running.await.unwrap_or_else(|panic| Err(ErrorCode::InternalError(Some(panic.to_string()))));
            *self = Self::Answered(answer);
        }
    }
}
