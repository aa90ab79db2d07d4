//! Why a component was not compiled.

use std::io;
use std::time::Duration;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// It is no component, or none that this engine runs.
    #[error("it is no component that can be run")]
    Malformed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is larger than [`LoadLimits::wasm_bytes`](super::LoadLimits::wasm_bytes).
    #[error("expected a component of at most {limit} bytes, found {found}")]
    TooLarge {
        /// What is allowed, in bytes.
        limit: u64,
        /// What it has, in bytes; of what is no regular file, what was read of it.
        found: u64,
    },
    /// Its code is larger than [`LoadLimits::code_bytes`](super::LoadLimits::code_bytes).
    #[error("expected at most {limit} bytes of compiled code, found {found}")]
    CodeTooLarge {
        /// What is allowed, in bytes.
        limit: u64,
        /// What the compiler made, in bytes.
        found: u64,
    },
    /// Compiling it takes more memory than
    /// [`LoadLimits::memory_for`](super::LoadLimits::memory_for) its size.
    #[error("compiling it takes more than the {limit} bytes of memory that a component of {wasm_bytes} bytes may take")]
    Memory {
        /// What is allowed, in bytes.
        limit: u64,
        /// The component's size.
        wasm_bytes: u64,
    },
    /// Compiling it takes more processor time than [`LoadLimits::cpu_for`](super::LoadLimits::cpu_for) its size.
    #[error(
        "compiling it takes more than the {limit:?} of processor time that a component of {wasm_bytes} bytes may take"
    )]
    Cpu {
        /// What is allowed.
        limit: Duration,
        /// The component's size.
        wasm_bytes: u64,
    },
    /// Compiling it takes longer than [`LoadLimits::wall`](super::LoadLimits::wall).
    #[error("compiling it takes longer than {0:?}")]
    Wall(Duration),
    /// It is nested so deeply that the compiler's stack does not suffice.
    #[error("it is nested more deeply than a stack of {stack_bytes} bytes suffices for")]
    StackOverflow {
        /// The compiler's stack, in bytes.
        stack_bytes: usize,
    },
    /// The child that compiled it crashed for another reason.
    #[error("the process that compiled it ended with {status}: {last_words}")]
    Crashed {
        /// How it ended: its exit status, or the signal that killed it.
        status: String,
        /// The end of what it printed; empty if it printed nothing.
        last_words: String,
    },
    /// The child cannot be started or spoken to, or is another program than [`main`](super::main).
    #[error("the process that compiles cannot be used")]
    Child(#[source] io::Error),
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
}

impl CompileError {
    /// What the engine says of a component. Not `From`: no type of wasmtime is in a public signature.
    pub(in crate::sandbox) fn from_engine(why: wasmtime::Error) -> Self {
        Self::Malformed(why.into())
    }
}
