//! The parent's side of a child that compiles: starts it, bounds it, and names what ended it.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;

use agentapi_contract::visible;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process, prlimit, waitid};

use crate::sandbox::code::Code;
use crate::sandbox::loader::wire::{Answer, PARENT, read_answer};
use crate::sandbox::loader::{CHILD_STACK_BYTES, CompileError, LoadLimits};

/// Threads of the compiler. A fixed bound, so that the limit of memory means the same on every machine.
const MAX_THREADS: usize = 4;
/// How much of what the child prints is kept for an error, in bytes.
const MAX_LAST_WORDS: u64 = 1024;

/// Compiles a component in a child.
pub(super) fn compile(
    program: &Path,
    arguments: &[OsString],
    limits: &LoadLimits,
    wasm: &[u8],
) -> Result<Code, CompileError> {
    let threads = thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_THREADS));
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").env_clear();
    command.env("RAYON_NUM_THREADS", threads.to_string()).env(PARENT, std::process::id().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(CompileError::Child)?;
    let exchanged = exchange(&mut child, limits, wasm);
    // Also after an error: a child that nobody waits for stays as a zombie.
    let _ = child.kill();
    let status = child.wait().map_err(CompileError::Child)?;
    let Exchanged { answer, last_words, is_over_time } = exchanged.map_err(CompileError::Child)?;
    match answer {
        _ if is_over_time => Err(CompileError::Wall(limits.wall)),
        Ok(Answer::Code(code)) => Ok(code),
        Ok(Answer::CodeTooLarge(found)) => Err(CompileError::CodeTooLarge { limit: limits.code_bytes, found }),
        Ok(Answer::Refused(why)) => Err(CompileError::Malformed(why.into())),
        Err(why) => Err(failure(status, last_words, limits, wasm.len() as u64, why)),
    }
}

/// What came of the exchange with a child.
struct Exchanged {
    answer: io::Result<Answer>,
    last_words: String,
    is_over_time: bool,
}

/// Sends the component, and reads the answer. Afterwards the child has ended, or nothing more is expected of it.
fn exchange(child: &mut Child, limits: &LoadLimits, wasm: &[u8]) -> io::Result<Exchanged> {
    let pid = Pid::from_child(child);
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::Error::other("the child has no pipes"));
    };
    // Before the first byte of the component is sent, and by the parent, so that they hold for any program.
    bound(pid, limits, wasm.len() as u64)?;
    let is_over_time = AtomicBool::new(false);
    let (answered, ended) = channel::<()>();
    let (answer, last_words) = thread::scope(|scope| {
        let is_over_time = &is_over_time;
        scope.spawn(move || {
            if ended.recv_timeout(limits.wall) == Err(RecvTimeoutError::Timeout) {
                is_over_time.store(true, Ordering::Relaxed);
                // Not reaped before this thread is over, so that the number is still that of the child.
                let _ = kill_process(pid, Signal::KILL);
            }
        });
        // A child that died does not read to the end; why, its status says.
        let _ = stdin.write_all(wasm);
        drop(stdin);
        let answer = read_answer(&mut stdout, limits.code_bytes);
        drop(stdout);
        let last_words = if answer.is_err() { last_words(pid, &mut stderr) } else { String::new() };
        drop(answered);
        (answer, last_words)
    });
    Ok(Exchanged { answer, last_words, is_over_time: is_over_time.into_inner() })
}

fn bound(child: Pid, limits: &LoadLimits, wasm_bytes: u64) -> io::Result<()> {
    let cpu_seconds = limits.cpu_for(wasm_bytes).as_secs();
    let exactly = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    for (resource, limit) in [
        // What it can write to. The limit of address space would count what wasmtime and the allocator only reserve.
        (Resource::Data, exactly(limits.memory_for(wasm_bytes))),
        // At the first limit a signal that says why, at the second SIGKILL.
        (Resource::Cpu, Rlimit { current: Some(cpu_seconds), maximum: Some(cpu_seconds + 1) }),
        (Resource::Core, exactly(0)),
        (Resource::Fsize, exactly(0)),
    ] {
        prlimit(Some(child), resource, limit)?;
    }
    Ok(())
}

/// The end of a child that gave no answer: what it printed, after it has ended.
fn last_words(child: Pid, stderr: &mut ChildStderr) -> String {
    let mut words = Vec::new();
    let _ = stderr.take(MAX_LAST_WORDS).read_to_end(&mut words);
    // Without reaping it, see above.
    let _ = waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
    visible(String::from_utf8_lossy(&words).trim()).into_owned()
}

/// Why a child gave no answer.
fn failure(
    status: ExitStatus,
    last_words: String,
    limits: &LoadLimits,
    wasm_bytes: u64,
    unread: io::Error,
) -> CompileError {
    // Only a pipe that ends too early is a matter of how the child ended; anything else came from another program.
    if status.success() || unread.kind() != io::ErrorKind::UnexpectedEof {
        return CompileError::Child(unread);
    }
    let is = |signal: Signal| status.signal() == Some(signal.as_raw());
    if is(Signal::XCPU) {
        return CompileError::Cpu { limit: limits.cpu_for(wasm_bytes), wasm_bytes };
    }
    // The standard library prints these two lines before it aborts; a test holds them.
    if is(Signal::ABORT) && last_words.contains("memory allocation of") {
        return CompileError::Memory { limit: limits.memory_for(wasm_bytes), wasm_bytes };
    }
    if is(Signal::ABORT) && last_words.contains("has overflowed its stack") {
        return CompileError::StackOverflow { stack_bytes: CHILD_STACK_BYTES };
    }
    CompileError::Crashed { status: status.to_string(), last_words }
}
