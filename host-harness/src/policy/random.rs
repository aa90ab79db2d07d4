//! Random bytes for extensions, of which one call gives no more than a bound.

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::random::random::Host;

use crate::policy::limits::Breach;
use crate::policy::state::RunState;

/// Random bytes that one call gives: as many as browsers give by one call of `getRandomValues`.
pub(super) const MAX_RANDOM_BYTES: u64 = 64 * 1024;
/// The functions that give as many bytes as are asked for, under the version with which wasmtime-wasi adds them. Under
/// another version they would stand beside its own instead of replacing them.
const RANDOM: (&str, &str) = ("wasi:random/random@0.2.12", "get-random-bytes");
const INSECURE: (&str, &str) = ("wasi:random/insecure@0.2.12", "get-insecure-random-bytes");

/// Replaces these functions of wasmtime-wasi, whose own bound is 64 MiB and has no name that [`Breach`] could keep.
pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    for (interface, function) in [RANDOM, INSECURE] {
        // The bytes of both are good ones: whoever asked for insecure ones does not mind.
        linker.instance(interface)?.func_wrap(function, |mut store, (len,): (u64,)| {
            if len > MAX_RANDOM_BYTES {
                return Err(Breach::Random(MAX_RANDOM_BYTES).into());
            }
            Ok((store.data_mut().ctx().ctx.random().get_random_bytes(len)?,))
        })?;
    }
    linker.allow_shadowing(false);
    Ok(())
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;
    use wasmtime::component::Linker;

    use super::{INSECURE, RANDOM, RunState};
    use crate::policy::wasi;

    #[test]
    fn the_functions_that_are_replaced_are_there_under_this_version() {
        let mut linker = Linker::<RunState>::new(&Engine::default());
        wasi::add_to_linker(&mut linker).unwrap();
        // Without `allow_shadowing`, what is there already cannot be defined: here functions that stand beside those.
        for (interface, neighbour) in [(RANDOM.0, "get-random-u64"), (INSECURE.0, "get-insecure-random-u64")] {
            let again = linker.instance(interface).unwrap().func_wrap(neighbour, |_, (): ()| Ok((0_u64,)));
            assert!(again.is_err(), "wasmtime-wasi adds another version than {interface}");
        }
    }
}
