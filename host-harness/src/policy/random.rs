//! Random bytes for extensions, of which one call gives no more than a bound.

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::random::random::Host;

use crate::policy::limits::Breach;
use crate::policy::state::RunState;

/// Random bytes that one call gives: as many as browsers give by one call of `getRandomValues`.
pub(super) const MAX_RANDOM_BYTES: u64 = 64 * 1024;
/// The interface with the version under which wasmtime-wasi adds it. Under another version this function would stand beside
/// its own instead of replacing it.
const RANDOM: &str = "wasi:random/random@0.2.12";
const GET_RANDOM_BYTES: &str = "get-random-bytes";

/// Replaces this function of wasmtime-wasi, whose own bound is 64 MiB and has no name that [`Breach`] could keep.
pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance(RANDOM)?.func_wrap(GET_RANDOM_BYTES, |mut store, (len,): (u64,)| {
        if len > MAX_RANDOM_BYTES {
            return Err(Breach::Random(MAX_RANDOM_BYTES).into());
        }
        Ok((store.data_mut().ctx().ctx.random().get_random_bytes(len)?,))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;
    use wasmtime::component::Linker;
    use wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async;

    use super::{GET_RANDOM_BYTES, RANDOM, RunState};

    #[test]
    fn the_function_that_is_replaced_is_there_under_this_version() {
        let mut linker = Linker::<RunState>::new(&Engine::default());
        add_to_linker_proxy_interfaces_async(&mut linker).unwrap();
        let mut random = linker.instance(RANDOM).unwrap();
        // Without `allow_shadowing`, what is there already cannot be defined.
        let again = random.func_wrap(GET_RANDOM_BYTES, |_, (_,): (u64,)| Ok((Vec::<u8>::new(),)));
        assert!(again.is_err(), "wasmtime-wasi adds another version than {RANDOM}");
    }
}
