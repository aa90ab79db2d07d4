//! What is still to be said when the process ends with something frozen and standard error is a file.

use std::io::Write;
use std::process::{Command, Stdio};

/// Leaves the text to a process of its own. It may wait for the frozen disk in the place of this one, which has to end: a
/// service manager acts upon the failure only then. Where the file lies elsewhere, the text is in it at once.
pub(super) fn leave(text: &str) {
    if text.is_empty() {
        return;
    }
    // Where there is no process to be had, the exit status and the journal say what the text says.
    let _ = write_with_cat(text);
}

#[cfg(unix)]
fn write_with_cat(text: &str) -> std::io::Result<()> {
    use std::os::fd::AsFd;

    let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
    let mut cat = Command::new("cat");
    let mut cat = cat.stdin(Stdio::piped()).stdout(stderr).stderr(Stdio::null()).spawn()?;
    // The end of the text says the most, and why the command failed.
    let start = text.ceil_char_boundary(text.len().saturating_sub(PIPE_BYTES));
    let (_, end) = text.split_at(start);
    cat.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(end.as_bytes()))
}

#[cfg(not(unix))]
fn write_with_cat(_: &str) -> std::io::Result<()> {
    Ok(())
}

/// What a pipe takes without a reader: pipe(7) says 65,536 bytes, and a page of 4096 bytes where the user has many.
const PIPE_BYTES: usize = 4096;
