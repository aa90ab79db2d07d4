//! The child: gives up what it does not need, reads a component, compiles it, and answers.

use std::env;
use std::io::{self, Read, Write, stdin, stdout};
use std::process::ExitCode;
use std::thread;

use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
use rustix::thread::set_no_new_privs;
use wasmtime::Engine;

use crate::sandbox::code::Code;
use crate::sandbox::engines::config;
use crate::sandbox::loader::CHILD_STACK_BYTES;
use crate::sandbox::loader::wire::{PARENT, write_code, write_refusal};

/// What the program of [`Loading::Child`](super::Loading::Child) does: reads a component from standard input, and writes
/// its compiled code to standard output, or why there is none.
///
/// For a process of its own, with nothing in it that must be kept: it can open no file any more when this returns. The
/// parent sets the limits on memory and time.
#[must_use]
pub fn main() -> ExitCode {
    // On the first thread, because one that is started has what the thread has which starts it.
    if let Err(why) = confine() {
        let _ = writeln!(io::stderr(), "{why}");
        return ExitCode::FAILURE;
    }
    // A stack of a known size: that of a process's first thread is what the user's `ulimit` says.
    let compiler = thread::Builder::new().name("agentapi-load".into()).stack_size(CHILD_STACK_BYTES);
    let outcome = compiler.spawn(compile_stdin).map(thread::JoinHandle::join);
    // What went wrong is read by the parent, which reports it: a panic has printed its message by itself.
    match outcome {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        Ok(Ok(Err(why))) | Err(why) => {
            let _ = writeln!(io::stderr(), "{why}");
            ExitCode::FAILURE
        }
        Ok(Err(_panic)) => ExitCode::FAILURE,
    }
}

fn compile_stdin() -> io::Result<()> {
    let mut wasm = Vec::new();
    stdin().read_to_end(&mut wasm)?;
    let code = Engine::new(&config()).and_then(|engine| Code::compile(&engine, &wasm));
    let mut out = stdout().lock();
    match code {
        Ok(code) => write_code(&mut out, &code),
        // With the causes, whose text the parent could not make.
        Err(why) => write_refusal(&mut out, &format!("{why:#}")),
    }
}

/// Gives up what compiling does not need, before the first byte of the component is read.
fn confine() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before that, and somebody else would be the parent now.
    let parent = getppid().map(|parent| parent.as_raw_nonzero().to_string());
    if env::var(PARENT).ok() != parent {
        return Err(io::Error::other("this is run by agentapi itself, to compile a component that is not trusted"));
    }
    set_no_new_privs(true)?;
    // No file and no socket can be opened without a number for it; those that are open stay.
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(())
}
