//! Who an extension is.

use std::sync::Arc;

use crate::sandbox::code::Wasm;

/// Who an extension is, in logs, questions to a person, and the audit.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) name: Arc<str>,
    /// The SHA-256 of its bytes, in hex: a name says nothing about the code behind it.
    pub(super) sha256: Arc<str>,
}

impl Identity {
    pub(super) fn new(name: &str, wasm: Wasm<'_>) -> Self {
        Self { name: name.into(), sha256: hex::encode(wasm.sha256).into() }
    }
}
