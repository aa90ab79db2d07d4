//! The part of WASI that extensions are given: what the runtimes of their languages cannot start without.
//!
//! | interface | what is there |
//! | --- | --- |
//! | clocks | the run's, the same as `clock` of the contract |
//! | random numbers | the host's, 64 KiB for each call |
//! | stdout, stderr | the log, with the extension's name |
//! | stdin, environment, arguments, terminals, folders | the interface, and nothing in it: standard libraries import it |
//! | sockets, HTTP | not there: an extension that imports them is refused |

use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed};
use wasmtime_wasi::p2::bindings::{cli, filesystem};
use wasmtime_wasi::random::WasiRandom;

use crate::policy::state::RunState;
use crate::policy::{random, wasi_clock};

/// The interfaces that [`add_to_linker`] adds, without the patch release: within 0.2 they are compatible.
const OFFERED: [&str; 20] = [
    "wasi:cli/environment@0.2",
    "wasi:cli/exit@0.2",
    "wasi:cli/stderr@0.2",
    "wasi:cli/stdin@0.2",
    "wasi:cli/stdout@0.2",
    "wasi:cli/terminal-input@0.2",
    "wasi:cli/terminal-output@0.2",
    "wasi:cli/terminal-stderr@0.2",
    "wasi:cli/terminal-stdin@0.2",
    "wasi:cli/terminal-stdout@0.2",
    "wasi:clocks/monotonic-clock@0.2",
    "wasi:clocks/wall-clock@0.2",
    "wasi:filesystem/preopens@0.2",
    "wasi:filesystem/types@0.2",
    "wasi:io/error@0.2",
    "wasi:io/poll@0.2",
    "wasi:io/streams@0.2",
    "wasi:random/insecure@0.2",
    "wasi:random/insecure-seed@0.2",
    "wasi:random/random@0.2",
];

/// Whether extensions are given this interface.
pub(super) fn is_offered(name: &str) -> bool {
    // The rest must begin a patch release, or `0.20` would pass as `0.2`.
    let matches = |offered| name.strip_prefix(offered).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    OFFERED.into_iter().any(matches)
}

/// Gives extensions these interfaces and no others. wasmtime-wasi's own list would add the sockets.
pub(super) fn add_to_linker(linker: &mut Linker<RunState>) -> wasmtime::Result<()> {
    add_to_linker_proxy_interfaces_async(linker)?;
    // After wasmtime-wasi's functions, because these replace some of them.
    insecure::add_to_linker::<RunState, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    insecure_seed::add_to_linker::<RunState, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::add_to_linker(linker)?;
    wasi_clock::add_to_linker(linker)?;
    filesystem::types::add_to_linker::<RunState, WasiFilesystem>(linker, RunState::filesystem)?;
    filesystem::preopens::add_to_linker::<RunState, WasiFilesystem>(linker, RunState::filesystem)?;
    cli::environment::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::exit::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::terminal_input::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::terminal_output::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stdin::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stdout::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)?;
    cli::terminal_stderr::add_to_linker::<RunState, WasiCli>(linker, RunState::cli)
}

#[cfg(test)]
mod tests {
    use super::is_offered;

    #[test]
    fn a_patch_release_is_the_same_interface_and_the_network_is_none() {
        for name in ["wasi:cli/stdout@0.2.0", "wasi:cli/stdout@0.2.10", "wasi:filesystem/types@0.2.3"] {
            assert!(is_offered(name), "{name}");
        }
        for name in [
            "wasi:cli/stdout@0.3.0",
            "wasi:cli/stdout@0.20.0",
            "wasi:cli/run@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:sockets/ip-name-lookup@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:config/store@0.2.0",
        ] {
            assert!(!is_offered(name), "{name}");
        }
    }
}
