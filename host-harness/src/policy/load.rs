//! Loading an extension: compiled, its imports held against its grants, and linked to what it may import.

use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, HasData, Linker};

use crate::host::Host;
use crate::policy::bindings::{PolicyExtension, PolicyExtensionPre};
use crate::policy::calls::Calls;
use crate::policy::error::LoadError;
use crate::policy::extension::{Policy, Settings};
use crate::policy::grants::Grants;
use crate::policy::identity::Identity;
use crate::policy::imports::Imports;
use crate::policy::limits::Limits;
use crate::policy::state::RunState;
use crate::policy::wasi;
use crate::sandbox::code::Wasm;

impl Host {
    /// Loads an extension, named after its file.
    ///
    /// Blocks while the file is read and compiled: some 100 ms for an extension in Rust, 10 s for one that brings
    /// Python along (18 MB). With a [`cache_dir`](crate::HostBuilder::cache_dir) that is so once; from the cache it is
    /// 1 ms, and 30 ms for Python. In an async task, call it by `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what is wrong: a grant that is missing, an import that no extension is given, or a file that
    /// is no extension.
    pub fn load_policy(&self, file: impl AsRef<Path>, grants: &Grants, limits: &Limits) -> Result<Policy, LoadError> {
        let file = file.as_ref();
        let wasm = self.loader.read(file)?;
        let name = file.file_stem().map_or_else(|| "extension".into(), |stem| stem.to_string_lossy());
        self.load_policy_bytes(&name, &wasm, grants, limits)
    }

    /// Loads an extension from its bytes.
    ///
    /// Blocks while it is compiled, as [`load_policy`](Self::load_policy) does.
    ///
    /// # Errors
    ///
    /// As [`load_policy`](Self::load_policy).
    pub fn load_policy_bytes(
        &self,
        name: &str,
        wasm: &[u8],
        grants: &Grants,
        limits: &Limits,
    ) -> Result<Policy, LoadError> {
        let engine = self.engines.engine();
        let wasm = Wasm::new(wasm);
        let component = self.loader.load(engine, wasm, |component| {
            // Before linking: the linker would refuse a missing import too, but by a text that does not name the grant.
            Imports::of(&component).check(grants)?;
            link(engine, &component).map_err(LoadError::from_engine)
        })?;
        let (grants, identity) = (Arc::new(grants.clone()), Identity::new(name, wasm));
        let epoch_clock = self.engines.epoch_clock().clone();
        Ok(Policy { component, epoch_clock, grants, limits: *limits, identity, settings: Settings::default() })
    }

    /// The imports of an extension: what it would have to be granted.
    ///
    /// Blocks while it is compiled, as [`load_policy`](Self::load_policy) does.
    ///
    /// # Errors
    ///
    /// [`LoadError::Component`] when it is no component, [`LoadError::NotCompiled`] when loading it takes more than it may.
    pub fn imports_of_policy(&self, wasm: &[u8]) -> Result<Imports, LoadError> {
        self.loader.load(self.engines.engine(), Wasm::new(wasm), |component| Ok(Imports::of(&component)))
    }

    /// The imports of the extension in a file, as [`imports_of_policy`](Self::imports_of_policy) reads them.
    ///
    /// # Errors
    ///
    /// As [`imports_of_policy`](Self::imports_of_policy), and [`LoadError::Unreadable`].
    pub fn imports_of_policy_file(&self, file: impl AsRef<Path>) -> Result<Imports, LoadError> {
        self.imports_of_policy(&self.loader.read(file.as_ref())?)
    }
}

fn link(engine: &Engine, component: &Component) -> wasmtime::Result<PolicyExtensionPre<RunState>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    PolicyExtension::add_to_linker::<_, HasCalls>(&mut linker, |state: &mut RunState| &mut state.calls)?;
    PolicyExtensionPre::new(linker.instantiate_pre(component)?)
}

/// For linking what [`Calls`] implements.
struct HasCalls;

impl HasData for HasCalls {
    type Data<'a> = &'a mut Calls;
}
