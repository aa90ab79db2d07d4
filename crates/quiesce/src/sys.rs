//! The two system calls that have no safe wrapper. The crate's only unsafe code.

#![allow(unsafe_code, reason = "FIFREEZE, FITHAW and PR_SET_PDEATHSIG in a child have no safe wrapper anywhere")]

use std::ffi::c_int;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::ioctl::{NoArg, Opcode, ioctl, opcode};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Freezes the file system that this folder is on. Returns when all its writers stand still, however long that takes.
pub(crate) fn freeze_file_system(folder: impl AsFd) -> rustix::io::Result<()> {
    // SAFETY: the kernel ignores the argument of FIFREEZE, so none is read or written.
    unsafe { ioctl(folder, NoArg::<FIFREEZE>::new()) }
}

/// Thaws the file system that this folder is on; `EINVAL` says that it is not frozen. Waits for a freeze that is in the
/// middle of writing the file system out, and then thaws at once.
pub(crate) fn thaw_file_system(folder: impl AsFd) -> rustix::io::Result<()> {
    // SAFETY: as above, for FITHAW.
    unsafe { ioctl(folder, NoArg::<FITHAW>::new()) }
}

/// Lets the kernel kill the program when the thread that starts it ends, which is when this process dies.
pub(crate) fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died between the fork and the line above. Then the signal was sent to nobody.
        if getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: between fork and exec only two system calls are made. Nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(ask) };
}

/// `_IOWR('X', 119, int)` and the next, linux/fs.h.
const FIFREEZE: Opcode = opcode::read_write::<c_int>(b'X', 119);
const FITHAW: Opcode = opcode::read_write::<c_int>(b'X', 120);
