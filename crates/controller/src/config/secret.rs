//! Secrets are in files of their own, never in the configuration, which is backed up, shown and copied around.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a small file that holds a secret, without its one final line end.
///
/// # Errors
///
/// When it cannot be read, or is larger than 64 KiB. The error names neither the file nor what is in it.
pub fn read_secret(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_SECRET_BYTES} bytes")));
    }
    // Bytes that are not UTF-8 become U+FFFD, which the token's rule refuses.
    let text = String::from_utf8_lossy(&bytes);
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(line.unwrap_or(&text).to_owned())
}

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
            assert_eq!(read_secret(file.path()).unwrap(), secret, "{text:?}");
        }
        let limit = usize::try_from(MAX_SECRET_BYTES).unwrap();
        for (length, is_read) in [(limit, true), (limit + 1, false)] {
            fs::write(file.path(), vec![b'a'; length]).unwrap();
            assert_eq!(read_secret(file.path()).is_ok(), is_read);
        }
    }
}
