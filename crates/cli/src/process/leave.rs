//! What is to be written to a file that may lie on a frozen disk, by a process that has to end.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::process::{Command, Stdio};

use anstream::adapter::strip_str;
use rustix::pipe::{fcntl_getpipe_size, fcntl_setpipe_size};

/// Whether this is a file, which may lie on what is frozen.
pub(crate) fn is_file(file: BorrowedFd<'_>) -> bool {
    let copy = file.try_clone_to_owned().map(File::from);
    // What cannot be asked is taken for a file: that costs messages their time and holds up nothing.
    copy.and_then(|file| file.metadata()).map_or(true, |metadata| metadata.is_file())
}

/// Leaves the text to a process of its own. It may wait for the frozen disk in the place of this one, which has to end: a
/// service manager acts upon the failure only then. Where the file lies elsewhere, the text is in it at once.
pub(crate) fn leave(text: &str, file: BorrowedFd<'_>) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut cat = Command::new("cat");
    let mut cat = cat.stdin(Stdio::piped()).stdout(file.try_clone_to_owned()?).stderr(Stdio::null()).spawn()?;
    let Some(mut pipe) = cat.stdin.take() else { return Ok(()) };
    // No more than the pipe takes without a reader. The end of the text says the most, and why the command failed.
    let _ = fcntl_setpipe_size(&pipe, text.len());
    let size = fcntl_getpipe_size(&pipe).unwrap_or(LEAST_PIPE_BYTES);
    // A file shows no styles.
    let text = strip_str(text).to_string();
    let (_, end) = text.split_at(text.ceil_char_boundary(text.len().saturating_sub(size)));
    pipe.write_all(end.as_bytes())
}

/// A page, which pipe(7) says is what a user gets who has many.
const LEAST_PIPE_BYTES: usize = 4096;
