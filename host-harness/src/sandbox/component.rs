//! Where the component's code comes from: the bytes that this library holds, or a file.

use std::io;
use std::path::PathBuf;

use wasmtime::Engine;

use crate::sandbox::code::Wasm;
use crate::sandbox::instance::LinkedComponent;
use crate::sandbox::loader::{CompileError, Loader};

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
    /// It is no component, takes more than may be spent on loading it ([`CompileError`] says which), imports what this
    /// host does not give, or the engine cannot run here.
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

/// Loads the client component for this engine, and links it.
pub(super) fn load(engine: &Engine, source: &ComponentSource, loader: &Loader) -> Result<LinkedComponent, BuildError> {
    match source {
        ComponentSource::Embedded => {
            let component = loader.load_trusted(engine, EMBEDDED).map_err(from_compiler)?;
            LinkedComponent::new(&component).map_err(from_engine)
        }
        ComponentSource::File(file) => {
            let wasm = loader.read(file).map_err(|why| match why {
                CompileError::Unreadable(source) => BuildError::Unreadable { file: file.clone(), source },
                why => from_compiler(why),
            })?;
            let linked = loader.load(engine, Wasm::new(&wasm), |component| {
                LinkedComponent::new(&component).map_err(CompileError::from_engine)
            });
            linked.map_err(from_compiler)
        }
    }
}

fn from_compiler(why: CompileError) -> BuildError {
    match why {
        // One level of "cannot be loaded" is enough in what a person reads.
        CompileError::Malformed(why) => BuildError::Component(why),
        why => BuildError::Component(why.into()),
    }
}

/// What the engine says of a component that it does not run.
pub(super) fn from_engine(why: wasmtime::Error) -> BuildError {
    BuildError::Component(why.into())
}
