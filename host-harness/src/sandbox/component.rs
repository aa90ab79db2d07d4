//! Where the component's code comes from: the bytes that this library holds, or a file.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::sandbox::cache::compile;

/// The component that this library was built with, as the build script placed it.
const EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/agentapi.wasm"));

/// Where a component comes from.
#[derive(Clone, Debug)]
pub(crate) enum ComponentSource {
    Embedded,
    File(PathBuf),
}

/// Why a host cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The file that [`component_file`](crate::HostBuilder::component_file) names cannot be read.
    #[error("the component {} cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is no component, or imports what this host does not give, or the engine cannot run here.
    #[error("the component cannot be loaded")]
    Component(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that interrupts instances which compute cannot be started.
    #[error("no thread for the engine's clock")]
    Thread(#[source] io::Error),
}

/// The bytes of the component that this library holds.
pub fn embedded() -> &'static [u8] {
    EMBEDDED
}

/// Loads the client component for this engine.
pub(super) fn load(
    engine: &Engine,
    source: &ComponentSource,
    cache_dir: Option<&Path>,
) -> Result<Component, BuildError> {
    let wasm = match source {
        ComponentSource::Embedded => Cow::Borrowed(EMBEDDED),
        ComponentSource::File(file) => {
            let read = fs::read(file);
            Cow::Owned(read.map_err(|source| BuildError::Unreadable { file: file.clone(), source })?)
        }
    };
    compile(engine, &wasm, cache_dir).map_err(from_engine)
}

/// What the engine says of a component that it does not run.
pub(super) fn from_engine(why: wasmtime::Error) -> BuildError {
    BuildError::Component(why.into())
}
