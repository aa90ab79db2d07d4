//! A stdout or stderr that cannot be written, or takes nothing.

use std::fs::OpenOptions;
use std::io::{self, PipeReader, Write};
use std::process::{Command, Stdio};

use rustix::fs::{OFlags, fcntl_setfl};

/// One of the two streams that a command writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not open: `>&-`.
    Closed,
    /// Its disk is full.
    FullDisk,
    /// Its reader is gone.
    BrokenPipe,
}

/// The command with a stream of which this is true.
pub(crate) fn with_fault(mut command: Command, stream: Stream, fault: Fault) -> Command {
    let broken = match fault {
        Fault::Closed => return with_closed(&command, stream),
        Fault::FullDisk => OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
        Fault::BrokenPipe => broken_pipe(),
    };
    match stream {
        Stream::Stdout => command.stdout(broken),
        Stream::Stderr => command.stderr(broken),
    };
    command
}

/// A pipe that nobody reads any more.
fn broken_pipe() -> Stdio {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// The standard library has no way to close a stream of a child; a shell has.
fn with_closed(command: &Command, stream: Stream) -> Command {
    let number = match stream {
        Stream::Stdout => 1,
        Stream::Stderr => 2,
    };
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", &format!("exec \"$0\" \"$@\" {number}>&-")]).arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// A pipe that is full and whose reader reads nothing. It has to be kept: without it the pipe would be a broken one.
pub(crate) fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    // Down to the last byte: a small write would still find its place.
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer.into())
}
