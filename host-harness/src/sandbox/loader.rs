//! Loading what is not ours: components are validated and compiled in a process of their own, with limits.
//!
//! A component is a stranger's file. One of a few kilobytes can be nested so that the compiler's stack overflows, which
//! aborts the process; others take gigabytes or minutes. So a controller names a program that compiles ([`Loading::Child`]),
//! which dies in its place. It can be the controller itself, with an argument of its own by which it calls [`main`]:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use agentapi_host::Host;
//! use agentapi_host::loader::{self, Loading};
//!
//! fn main() -> ExitCode {
//!     if std::env::args().nth(1).as_deref() == Some("load-component") {
//!         return loader::main();
//!     }
//!     // Linux: the program that runs, even if its file was replaced meanwhile.
//!     let child = Loading::Child { program: "/proc/self/exe".into(), arguments: vec!["load-component".into()] };
//!     let host = Host::builder().loading(child).build();
//!     // ...
//! #   drop(host);
//!     ExitCode::SUCCESS
//! }
//! ```
//!
//! The child reads the component from its standard input, and answers with the code and its SHA-256, or with why there is
//! none. It has an empty environment, can open no file and no socket, leaves no core dump, gains no rights by what it
//! executes, and dies with the thread that started it. [`LoadLimits`] bound it. What is in the cache is loaded without a
//! child: it was compiled by one.
//!
//! The client component that this library holds is trusted, and compiled in process. The backup loop, which it holds too, is
//! loaded like any extension.

mod child;
mod error;
mod limits;
mod process;
mod wire;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::sandbox::cache::Cache;
use crate::sandbox::code::{Code, Wasm};

pub use child::main;
pub use error::CompileError;
pub use limits::LoadLimits;

/// The compiler's stack in the child. Address space, and memory only as far as it is used.
const CHILD_STACK_BYTES: usize = 16 * 1024 * 1024;
/// The stack on which code that a child compiled is linked: what the child's stack sufficed for must not overflow ours.
const LINK_STACK_BYTES: usize = 4 * CHILD_STACK_BYTES;

/// Where components are validated and compiled, that are not part of this library.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loading {
    /// In a child process. Whatever the component does to the compiler, the embedder goes on with a [`CompileError`].
    Child {
        /// A program that calls [`main`], built with the same version of this library.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<OsString>,
    },
    /// In this process, on a thread of its own with this much stack. For components that one trusts: deep nesting is
    /// caught only as far as the stack suffices, and neither memory nor time is bounded.
    InProcess {
        /// Address space, and memory only as far as it is used.
        stack_bytes: usize,
    },
}

impl Default for Loading {
    /// In process, with a stack of 256 MiB: a library cannot know which of the embedder's programs calls [`main`].
    fn default() -> Self {
        Self::InProcess { stack_bytes: 256 * 1024 * 1024 }
    }
}

/// How components are loaded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loader {
    pub(crate) loading: Loading,
    pub(crate) limits: LoadLimits,
    pub(crate) cache: Option<Cache>,
}

impl Loader {
    /// Compiles a component of this library in process, or takes it from the cache.
    pub(crate) fn load_trusted(&self, engine: &Engine, wasm: &[u8]) -> Result<Component, CompileError> {
        self.cached(engine, Wasm::new(wasm), || Code::compile(engine, wasm).map_err(CompileError::from_engine))
    }

    /// Compiles a component that is not trusted, or takes it from the cache, and does with it what `link` does. All of it is
    /// done on a thread with a stack for deeply nested types.
    pub(crate) fn load<T: Send, E: From<CompileError> + Send>(
        &self,
        engine: &Engine,
        wasm: Wasm<'_>,
        link: impl FnOnce(Component) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let (limit, found) = (self.limits.wasm_bytes, wasm.bytes.len() as u64);
        if found > limit {
            return Err(CompileError::TooLarge { limit, found }.into());
        }
        let stack_bytes = match self.loading {
            Loading::Child { .. } => LINK_STACK_BYTES,
            Loading::InProcess { stack_bytes } => stack_bytes,
        };
        let loaded = on_stack(stack_bytes, || link(self.cached(engine, wasm, || self.compile(engine, wasm.bytes))?));
        loaded.map_err(CompileError::Child)?
    }

    /// Reads a component, and no more of the file than may be loaded.
    pub(crate) fn read(&self, file: &Path) -> Result<Vec<u8>, CompileError> {
        let limit = self.limits.wasm_bytes;
        let opened = File::open(file).map_err(CompileError::Unreadable)?;
        let size = opened.metadata().map_err(CompileError::Unreadable)?.len();
        let mut wasm = Vec::new();
        // Bounded, because the size of a pipe or a device is no more than said.
        let read = opened.take(limit.saturating_add(1)).read_to_end(&mut wasm);
        read.map_err(CompileError::Unreadable)?;
        let found = size.max(wasm.len() as u64);
        if found > limit { Err(CompileError::TooLarge { limit, found }) } else { Ok(wasm) }
    }

    fn compile(&self, engine: &Engine, wasm: &[u8]) -> Result<Code, CompileError> {
        let code = match &self.loading {
            Loading::Child { program, arguments } => process::compile(program, arguments, &self.limits, wasm)?,
            Loading::InProcess { .. } => Code::compile(engine, wasm).map_err(CompileError::from_engine)?,
        };
        let (limit, found) = (self.limits.code_bytes, code.bytes.len() as u64);
        if found > limit { Err(CompileError::CodeTooLarge { limit, found }) } else { Ok(code) }
    }

    fn cached(
        &self,
        engine: &Engine,
        wasm: Wasm<'_>,
        compile: impl FnOnce() -> Result<Code, CompileError>,
    ) -> Result<Component, CompileError> {
        match &self.cache {
            Some(cache) => cache.load_or_compile(engine, wasm, compile, CompileError::from_engine),
            None => compile()?.to_component(engine).map_err(CompileError::from_engine),
        }
    }
}

/// Runs something on a thread with this much stack, and waits for it. An error where there is no thread to be had.
fn on_stack<T: Send>(stack_bytes: usize, work: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    // A subscriber that the caller has set for its own thread sees what is logged on this one too.
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("agentapi-load".into()).stack_size(stack_bytes);
        let thread = thread.spawn_scoped(scope, || tracing::dispatcher::with_default(&dispatch, work))?;
        Ok(thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
