//! What the component may import, and nothing else.

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::sandbox::bindings::pinning;
use crate::sandbox::outgoing;
use crate::sandbox::store::{HasEgress, State};

/// A linker of `pinning`, `wasi:http` and the `wasi:io` that it needs. It links no component that imports more.
pub(super) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi_io::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    // After wasmtime-wasi-http's functions, because it replaces some of them.
    outgoing::add_to_linker(&mut linker)?;
    pinning::add_to_linker::<_, HasEgress>(&mut linker, |state: &mut State| &mut state.egress)?;
    Ok(linker)
}
