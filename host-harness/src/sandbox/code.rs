//! Compiled code, and the one place of this library that runs machine code from bytes.
//!
//! All code was compiled by this library: in this process, in a child of it, or by an earlier process that kept it in the
//! cache. It is run only if its SHA-256 is the one that was taken when it was compiled.

use std::path::Path;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::sha256::{Sha256Digest, sha256};

/// The bytes of a component, with their SHA-256, which names it in the cache and in the audit.
#[derive(Clone, Copy)]
pub(crate) struct Wasm<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) sha256: Sha256Digest,
}

impl<'a> Wasm<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, sha256: sha256(bytes) }
    }
}

/// Compiled code with its SHA-256, as it was taken when the code was compiled or read.
pub(super) struct Code {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: Sha256Digest,
}

impl Code {
    /// Compiles a component in this process.
    pub(super) fn compile(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Self> {
        let bytes = engine.precompile_component(wasm)?;
        Ok(Self { sha256: sha256(&bytes), bytes })
    }

    /// The component of this code, for an engine like the one that it was compiled for.
    #[allow(unsafe_code, reason = "runs code that this library compiled, in this process or a child of it")]
    pub(super) fn to_component(&self, engine: &Engine) -> wasmtime::Result<Component> {
        // SAFETY: `compile` made the bytes here, or in a child that runs the same function and sent them with their hash,
        // which `loader::process` has compared. wasmtime refuses code of another version or for other settings.
        unsafe { Component::deserialize(engine, &self.bytes) }
    }
}

/// The component whose code is in a file of the cache.
#[allow(unsafe_code, reason = "runs code from a file of the cache, whose hash has just been compared")]
pub(super) fn map(engine: &Engine, file: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `Cache` wrote the file, whole. It and its directory belong to this user, nobody else can write to them, and
    // what is in it has the hash that was taken when it was compiled.
    unsafe { Component::deserialize_file(engine, file) }
}

/// The same component for another engine, which is configured to run the same code.
pub(super) fn for_engine(component: &Component, engine: &Engine) -> wasmtime::Result<Component> {
    // The compiler does not run again: that would take a hundred times as long.
    Code { bytes: component.serialize()?, sha256: Sha256Digest::default() }.to_component(engine)
}
