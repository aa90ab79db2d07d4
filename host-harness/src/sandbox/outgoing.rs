//! An exchange as the component sees it: `handle` of `wasi:http`, and what it returns.
//!
//! These functions replace those of wasmtime-wasi-http, which starts a task for each request and another for each
//! answer. Here a request without a body is answered within `handle`, without a task to start or to wake. That saves a
//! tenth of a call's time, and a quarter where many run at once. A request with a body does have a task, because the
//! component writes the body after `handle` has returned. What the component then reads is in [`Exchanges`]. Nothing of
//! this is polled, but for the end of a task.

use async_trait::async_trait;
use tokio::sync::watch;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::body::{HostFutureTrailers, HostIncomingBody};
use wasmtime_wasi_http::p2::types::{HostIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::{FieldMap, RequestOptions};
use wasmtime_wasi_io::bindings::wasi::io::streams::StreamError;
use wasmtime_wasi_io::poll::{Pollable, subscribe};
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use crate::sandbox::exchanges::{Exchange, Exchanges, Handle};
use crate::sandbox::store::State;

/// The interfaces with the version under which wasmtime-wasi-http adds them. Under another version these functions
/// would stand beside its own instead of replacing them, and not be called.
const TYPES: &str = "wasi:http/types@0.2.12";
const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";
const STREAMS: &str = "wasi:io/streams@0.2.12";

/// A `future-incoming-response`.
pub(crate) struct FutureResponse;

/// The arguments of `handle`.
type HandleArguments = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

/// The result of `get` of a `future-incoming-response`: none while there is no answer, an error after it was taken.
type GetResult = Option<Result<Result<Resource<HostIncomingResponse>, ErrorCode>, ()>>;

/// Replaces these functions of wasmtime-wasi-http. The types of its resources stay, so that the functions which are not
/// replaced can be linked; those are of a server, which has no exchange.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(HANDLER)?.func_wrap_async("handle", |mut store, arguments: HandleArguments| {
        Box::new(async move { Ok((Ok::<_, ErrorCode>(handle(store.data_mut(), arguments).await?),)) })
    })?;
    let mut types = linker.instance(TYPES)?;
    add_request(&mut types)?;
    add_future(&mut types)?;
    add_response(&mut types)?;
    add_body(&mut types)?;
    add_stream(&mut linker.instance(STREAMS)?)?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn handle(state: &mut State, (request, options): HandleArguments) -> wasmtime::Result<Resource<FutureResponse>> {
    let State { table, egress, exchanges, .. } = state;
    if let Some(options) = options {
        // The component's time-outs. The host's deadline is the only one that counts.
        table.delete(options)?;
    }
    let request = table.delete(request)?;
    exchanges.check_room()?;
    let number = match request.body {
        Some(_) => exchanges.add_task(egress.exchange(request))?,
        None => {
            let waiting = egress.wait().begin();
            let outcome = egress.exchange(request).await;
            drop(waiting);
            exchanges.add_ended(outcome)?
        }
    };
    Ok(Resource::new_own(number))
}

/// Authority and path are taken as they are, and not parsed: `handle` lets nothing out but the pinned authority and the
/// routes, by comparing with the whole text.
fn add_request(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Request = (Resource<HostOutgoingRequest>, Option<String>);
    wrap(types, "[method]outgoing-request.set-authority", |state, (request, authority): Request| {
        state.table.get_mut(&request)?.authority = authority;
        Ok((Ok::<_, ()>(()),))
    })?;
    wrap(types, "[method]outgoing-request.set-path-with-query", |state, (request, path): Request| {
        state.table.get_mut(&request)?.path_with_query = path;
        Ok((Ok::<_, ()>(()),))
    })
}

fn add_future(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    add_resource::<FutureResponse>(types, "future-incoming-response", Handle::Future)?;
    wrap(types, "[method]future-incoming-response.subscribe", |state, (response,): (Resource<FutureResponse>,)| {
        let end = state.exchanges.at(response.rep())?.end();
        let end = state.table.push(End(end))?;
        Ok((subscribe(&mut state.table, end)?,))
    })?;
    wrap(types, "[method]future-incoming-response.get", |state, (response,): (Resource<FutureResponse>,)| {
        let outcome = state.exchanges.at(response.rep())?.take_outcome();
        let outcome: GetResult = outcome.map(|first| first.map(|got| got.map(|()| Resource::new_own(response.rep()))));
        Ok((outcome,))
    })
}

fn add_response(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Response = Resource<HostIncomingResponse>;
    add_resource::<HostIncomingResponse>(types, "incoming-response", Handle::Response)?;
    wrap(types, "[method]incoming-response.status", |state, (response,): (Response,)| {
        Ok((state.exchanges.at(response.rep())?.status(),))
    })?;
    // No header of the agent reaches the component.
    wrap(types, "[method]incoming-response.headers", |state, (_,): (Response,)| {
        Ok((state.table.push(FieldMap::default())?,))
    })?;
    wrap(types, "[method]incoming-response.consume", |state, (response,): (Response,)| {
        Ok((give::<HostIncomingBody>(&mut state.exchanges, response.rep(), Handle::Body)?,))
    })
}

fn add_body(types: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Body = Resource<HostIncomingBody>;
    add_resource::<HostIncomingBody>(types, "incoming-body", Handle::Body)?;
    wrap(types, "[method]incoming-body.stream", |state, (body,): (Body,)| {
        Ok((give::<DynInputStream>(&mut state.exchanges, body.rep(), Handle::Stream)?,))
    })?;
    wrap(types, "[static]incoming-body.finish", |state, (body,): (Body,)| {
        state.exchanges.release(body.rep(), Handle::Body)?;
        // Nor does a trailer.
        Ok((state.table.push(HostFutureTrailers::Done(Ok(None)))?,))
    })
}

fn add_stream(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    type Input = Resource<DynInputStream>;
    type Splice = (Resource<DynOutputStream>, Input, u64);
    add_resource::<DynInputStream>(streams, "input-stream", Handle::Stream)?;
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        wrap(streams, name, |state, (stream, most): (Input, u64)| {
            let read = state.exchanges.at(stream.rep())?.read(most);
            Ok((read.map(Vec::from).ok_or(StreamError::Closed),))
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        wrap(streams, name, |state, (stream, most): (Input, u64)| {
            let skipped = state.exchanges.at(stream.rep())?.read(most);
            Ok((skipped.map(|bytes| bytes.len() as u64).ok_or(StreamError::Closed),))
        })?;
    }
    wrap(streams, "[method]input-stream.subscribe", |state, (_,): (Input,)| {
        let end = state.table.push(End(None))?;
        Ok((subscribe(&mut state.table, end)?,))
    })?;
    // Only a request's body is an output stream here, and it has other bytes than the answer to another request.
    for name in ["[method]output-stream.splice", "[method]output-stream.blocking-splice"] {
        wrap(streams, name, |_, _: Splice| -> wasmtime::Result<(Result<u64, StreamError>,)> {
            wasmtime::bail!("an answer is not sent on")
        })?;
    }
    Ok(())
}

/// Adds a function of the host that is done at once.
fn wrap<P, R>(
    interface: &mut LinkerInstance<'_, State>,
    name: &str,
    function: impl Fn(&mut State, P) -> wasmtime::Result<R> + Send + Sync + 'static,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lift + 'static,
    R: ComponentNamedList + Lower + 'static,
{
    interface
        .func_wrap(name, move |mut store: StoreContextMut<'_, State>, arguments| function(store.data_mut(), arguments))
}

/// Adds the resource that is a handle of an exchange.
fn add_resource<T: 'static>(
    interface: &mut LinkerInstance<'_, State>,
    name: &str,
    handle: Handle,
) -> wasmtime::Result<()> {
    interface.resource(name, ResourceType::host::<T>(), move |mut store, number| {
        store.data_mut().exchanges.release(number, handle)
    })
}

/// Gives a handle of an exchange that has answered, the first time.
fn give<T: 'static>(
    exchanges: &mut Exchanges,
    number: u32,
    handle: Handle,
) -> wasmtime::Result<Result<Resource<T>, ()>> {
    let is_new = Exchange::give(exchanges.at(number)?, handle);
    Ok(if is_new { Ok(Resource::new_own(number)) } else { Err(()) })
}

/// The end of an exchange that is under way, to be waited for; without one, there is nothing to wait for.
struct End(Option<watch::Receiver<()>>);

#[async_trait]
impl Pollable for End {
    async fn ready(&mut self) {
        if let Some(end) = &mut self.0 {
            // Nothing is ever sent: it ends by being closed.
            let _ = end.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;
    use wasmtime::component::{Linker, Resource};

    use super::{HANDLER, STREAMS, State, TYPES, add_to_linker};

    /// Functions and resources, by interface.
    const REPLACED: [(&str, &[&str]); 3] = [
        (HANDLER, &["handle"]),
        (
            TYPES,
            &[
                "[method]outgoing-request.set-authority",
                "[method]outgoing-request.set-path-with-query",
                "future-incoming-response",
                "[method]future-incoming-response.subscribe",
                "[method]future-incoming-response.get",
                "incoming-response",
                "[method]incoming-response.status",
                "[method]incoming-response.headers",
                "[method]incoming-response.consume",
                "incoming-body",
                "[method]incoming-body.stream",
                "[static]incoming-body.finish",
            ],
        ),
        (
            STREAMS,
            &[
                "input-stream",
                "[method]input-stream.read",
                "[method]input-stream.blocking-read",
                "[method]input-stream.skip",
                "[method]input-stream.blocking-skip",
                "[method]input-stream.subscribe",
                "[method]output-stream.splice",
                "[method]output-stream.blocking-splice",
            ],
        ),
    ];

    #[test]
    fn the_functions_that_are_replaced_are_there_under_these_versions() {
        let mut theirs = Linker::<State>::new(&Engine::default());
        wasmtime_wasi_io::add_to_linker_async(&mut theirs).unwrap();
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut theirs).unwrap();
        let mut ours = Linker::<State>::new(&Engine::default());
        add_to_linker(&mut ours).unwrap();
        for (interface, names) in REPLACED {
            for name in names {
                assert!(is_there(&mut theirs, interface, name), "{interface} of wasmtime has no {name}");
                assert!(is_there(&mut ours, interface, name), "{name} is not replaced");
            }
        }
    }

    /// Without `allow_shadowing`, what is there already cannot be defined; what it would take does not matter.
    fn is_there(linker: &mut Linker<State>, interface: &str, name: &str) -> bool {
        let defined = linker.instance(interface).unwrap().func_wrap(name, |_, (_,): (Resource<State>,)| Ok(()));
        defined.is_err()
    }
}
