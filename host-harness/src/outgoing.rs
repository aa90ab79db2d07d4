//! An exchange as the component sees it: `handle` of `wasi:http`, and the future that it gives.
//!
//! These four functions stand in for those of wasmtime-wasi-http, which starts a task for each request and another for
//! each answer. Here an exchange is part of the call that the component is in, and runs when the component waits for it:
//! nothing is started, woken or aborted, and it ends with the call.

use std::pin::Pin;

use async_trait::async_trait;
use http_body_util::{BodyExt, Full};
use wasmtime::component::{Linker, Resource, ResourceTable, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::HostIncomingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{FieldMap, RequestOptions};
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

use crate::client::Answer;
use crate::instance::State;

/// The interfaces as wasmtime-wasi-http adds them; another version would be added beside them, and not used.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// A `future-incoming-response`.
pub(crate) enum Exchange {
    /// Runs when it is waited for.
    Asked(Asked),
    Answered(Result<Answer, ErrorCode>),
    /// The component has its answer.
    Taken,
}

pub(crate) type Asked = Pin<Box<dyn Future<Output = Result<Answer, ErrorCode>> + Send>>;

/// What `get` of a `future-incoming-response` gives: none where there is no answer yet, an error where it was taken.
type Got = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

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
        |mut store, (exchange,): (Resource<Exchange>,)| -> wasmtime::Result<(Got,)> {
            Ok((get(&mut store.data_mut().table, &exchange)?,))
        },
    )?;
    linker.instance(HANDLER)?.func_wrap(
        "handle",
        |mut store, (request, options): (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>)| {
            let State { table, egress, .. } = store.data_mut();
            if let Some(options) = options {
                // The host's deadline is the only one.
                table.delete(options)?;
            }
            let asked = egress.exchange(table.delete(request)?);
            Ok((Ok::<_, ErrorCode>(table.push(Exchange::Asked(asked))?),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn get(table: &mut ResourceTable, exchange: &Resource<Exchange>) -> wasmtime::Result<Got> {
    let exchange = table.get_mut(exchange)?;
    if matches!(exchange, Exchange::Asked(_)) {
        return Ok(None);
    }
    Ok(Some(match std::mem::replace(exchange, Exchange::Taken) {
        Exchange::Answered(Ok(answer)) => Ok(Ok(table.push(to_response(answer))?)),
        Exchange::Answered(Err(code)) => Ok(Err(code)),
        Exchange::Asked(_) | Exchange::Taken => Err(()),
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
        if let Self::Asked(asked) = self {
            *self = Self::Answered(asked.await);
        }
    }
}
