//! Where the token comes from. It is never an argument, and no message here repeats it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agentapi_host::Error;

/// Where the token is read from.
pub(super) enum TokenSource {
    /// A file, and the option or variable that names it.
    File(PathBuf, &'static str),
    /// The token itself, from the environment.
    Text(OsString),
}

impl TokenSource {
    /// The option wins over both variables, and AGENTAPI_TOKEN_FILE over AGENTAPI_TOKEN. None if none of them is set.
    pub(super) fn find(file: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        if let Some(file) = file {
            return Some(Self::File(file, "--token-file"));
        }
        match variable("AGENTAPI_TOKEN_FILE") {
            Some(file) => Some(Self::File(file.into(), "AGENTAPI_TOKEN_FILE")),
            None => variable("AGENTAPI_TOKEN").map(Self::Text),
        }
    }

    pub(super) fn read(&self) -> Result<String, Error> {
        match self {
            // Bytes that are not UTF-8 become U+FFFD, which the token's rule refuses.
            Self::Text(text) => Ok(text.to_string_lossy().into_owned()),
            // The message does not name the file: somebody may have given the token itself in its place.
            Self::File(file, named_by) => read_file(file).map_err(|error| {
                Error::InvalidArgument(format!("token: the file that {named_by} names cannot be read: {error}"))
            }),
        }
    }
}

fn read_file(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_TOKEN_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TOKEN_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_TOKEN_FILE_BYTES} bytes")));
    }
    let text = String::from_utf8_lossy(&bytes);
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(line.unwrap_or(&text).to_owned())
}

/// The largest token file that is read, in bytes: more than any server accepts in a header. Without a limit,
/// `--token-file /dev/zero` would fill the memory.
const MAX_TOKEN_FILE_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::read_file;

    #[test]
    fn one_final_line_end_of_the_token_file_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cases =
            [("tok", "tok"), ("tok\n", "tok"), ("tok\r\n", "tok"), ("tok\n\n", "tok\n"), ("tok\r", "tok\r"), ("", "")];
        for (text, token) in cases {
            fs::write(file.path(), text).unwrap();
            assert_eq!(read_file(file.path()).unwrap(), token, "{text:?}");
        }
        fs::write(file.path(), [b'a'; 65537]).unwrap();
        assert!(read_file(file.path()).is_err());
    }
}
