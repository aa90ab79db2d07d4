//! Secrets are in files of their own, never in the configuration or on a command line, which are backed up, shown and copied
//! around. What can be wrong with such a file is said without a word of what is in it.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_setfl};

/// Reads a small file that holds a secret, without its one final line end. Warns of one that every user may read. `named_by` is
/// the option, variable or key that names it, for that warning: the file's own name is not shown, because somebody may have
/// given the secret in its place.
///
/// # Errors
///
/// When it cannot be read, is no regular file (or a pipe that a shell has made), or is larger than 64 KiB. The error names
/// neither the file nor what is in it.
pub fn read_secret(path: &Path, named_by: &str) -> io::Result<String> {
    let file = open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & READABLE_BY_OTHERS != 0 {
        let mode = mode & 0o777;
        tracing::warn!(
            "the file that {named_by} names can be read by every user of this machine (mode {mode:03o}): chmod o-r"
        );
    }
    let mut bytes = Vec::new();
    file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_SECRET_BYTES} bytes")));
    }
    // Bytes that are not UTF-8 become U+FFFD, which the token's rule refuses.
    let text = String::from_utf8_lossy(&bytes);
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(line.unwrap_or(&text).to_owned())
}

/// Opens a regular file, or a pipe that the shell has made (`--token-file <(pass show agent)`).
fn open(path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK, opening a FIFO waits until somebody writes to it, past every deadline.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match fs::metadata(path) {
        // The system's own words for opening a socket are "No such device or address".
        Ok(found) if found.file_type().is_socket() => not_a_file("a socket"),
        _ => error,
    })?;
    let kind = file.metadata()?.file_type();
    if kind.is_fifo() && is_descriptor(path) {
        // Its writer is a process that the user has just started: wait for it.
        fcntl_setfl(&file, OFlags::empty())?;
    } else if !kind.is_file() {
        return Err(not_a_file(name(kind)));
    }
    Ok(file)
}

fn not_a_file(what: &str) -> io::Error {
    io::Error::other(format!("it is {what}, expected a regular file"))
}

fn name(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a FIFO (named pipe)"
    } else if kind.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

/// Whether a path names a descriptor of this process, such as the `/dev/fd/63` that a shell writes for `<(..)`.
fn is_descriptor(path: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd", "/dev/stdin"].iter().any(|folder| path.starts_with(folder))
}

/// Others than owner and group. A group that may read is how `root:agentapi` and systemd share a file on purpose.
const READABLE_BY_OTHERS: u32 = 0o004;
/// The largest file with a secret, in bytes: more than any server accepts in a header. Without a limit, `/dev/zero` would
/// fill the memory.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{MAX_SECRET_BYTES, read_secret};

    #[test]
    fn one_final_line_end_is_dropped_and_large_files_are_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a\r", "a\r"), ("", "")] {
            fs::write(file.path(), text).unwrap();
            assert_eq!(read_secret(file.path(), "it").unwrap(), secret, "{text:?}");
        }
        let limit = usize::try_from(MAX_SECRET_BYTES).unwrap();
        for (length, is_read) in [(limit, true), (limit + 1, false)] {
            fs::write(file.path(), vec![b'a'; length]).unwrap();
            assert_eq!(read_secret(file.path(), "it").is_ok(), is_read);
        }
    }
}
