//! Where the token comes from. It is never an argument, and no message here repeats it.

use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use agentapi_host::Error;
use rustix::fs::{OFlags, fcntl_setfl};

/// Where the token is read from.
pub(super) enum TokenSource {
    /// A file, and the option or variable that names it.
    File(PathBuf, &'static str),
    /// The token itself, from the environment.
    Text(OsString),
}

impl TokenSource {
    /// The option wins over the variables, AGENTAPI_TOKEN_FILE over AGENTAPI_TOKEN, and both over systemd's credential. None
    /// if there is none of them.
    pub(super) fn find(file: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        if let Some(file) = file {
            return Some(Self::File(file, "--token-file"));
        }
        if let Some(file) = variable("AGENTAPI_TOKEN_FILE") {
            return Some(Self::File(file.into(), "AGENTAPI_TOKEN_FILE"));
        }
        variable("AGENTAPI_TOKEN").map(Self::Text).or_else(|| {
            // systemd sets it where a unit has `LoadCredential=agentapi-token:FILE`, or `SetCredentialEncrypted=`.
            let file = Path::new(&variable("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
            file.is_absolute().then_some(())?;
            file.exists().then_some(Self::File(file, "CREDENTIALS_DIRECTORY"))
        })
    }

    pub(super) fn read(&self) -> Result<String, Error> {
        let token = match self {
            // Bytes that are not UTF-8 become U+FFFD, which the token's rule refuses.
            Self::Text(text) => text.to_string_lossy().into_owned(),
            // The message does not name the file: somebody may have given the token itself in its place.
            Self::File(file, named_by) => read_file(file, named_by).map_err(|error| {
                Error::InvalidArgument(format!("token: the file that {named_by} names cannot be read: {error}"))
            })?,
        };
        if token.get(..BEARER.len()).is_some_and(|start| start.eq_ignore_ascii_case(BEARER)) {
            // Not refused, because a token may be any text; but the agent will hardly know this one.
            tracing::warn!(
                "the token begins with the word Bearer, which the client adds by itself: give it without the word Bearer"
            );
        }
        Ok(token)
    }
}

fn read_file(path: &Path, named_by: &str) -> io::Result<String> {
    let file = open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & READABLE_BY_OTHERS != 0 {
        let mode = mode & 0o777;
        tracing::warn!(
            "the file that {named_by} names can be read by every user of this machine (mode {mode:03o}): chmod o-r"
        );
    }
    let mut bytes = Vec::new();
    file.take(MAX_TOKEN_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TOKEN_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_TOKEN_FILE_BYTES} bytes")));
    }
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

/// The name of systemd's credential that is found without being named.
const CREDENTIAL: &str = "agentapi-token";
const BEARER: &str = "bearer ";
/// Others than owner and group. A group that may read is how `root:agentapi` and systemd share a file on purpose.
const READABLE_BY_OTHERS: u32 = 0o004;
/// The largest token file that is read, in bytes: more than any server accepts in a header.
const MAX_TOKEN_FILE_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use super::{TokenSource, read_file};

    #[test]
    fn one_final_line_end_of_the_token_file_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cases =
            [("tok", "tok"), ("tok\n", "tok"), ("tok\r\n", "tok"), ("tok\n\n", "tok\n"), ("tok\r", "tok\r"), ("", "")];
        for (text, token) in cases {
            fs::write(file.path(), text).unwrap();
            assert_eq!(read_file(file.path(), "it").unwrap(), token, "{text:?}");
        }
        fs::write(file.path(), [b'a'; 65537]).unwrap();
        assert!(read_file(file.path(), "it").is_err());
    }

    #[test]
    fn the_option_comes_before_the_variables_and_those_before_the_credential() {
        let dir = tempfile::tempdir().unwrap();
        let credential = dir.path().join("agentapi-token");
        let found = |file: Option<&str>, set: &[&str]| {
            let value = |name: &str| match name {
                "CREDENTIALS_DIRECTORY" => OsString::from(dir.path()),
                _ => name.into(),
            };
            let variable = |name: &str| set.contains(&name).then(|| value(name));
            TokenSource::find(file.map(Into::into), variable).map(|source| match source {
                TokenSource::File(file, _) => file,
                TokenSource::Text(text) => Path::new("text").join(text),
            })
        };
        let all = ["AGENTAPI_TOKEN_FILE", "AGENTAPI_TOKEN", "CREDENTIALS_DIRECTORY"];
        assert_eq!(found(None, &["CREDENTIALS_DIRECTORY"]), None, "there is no such file");
        fs::write(&credential, "t").unwrap();
        assert_eq!(found(Some("option"), &all), Some("option".into()));
        assert_eq!(found(None, &all), Some("AGENTAPI_TOKEN_FILE".into()));
        assert_eq!(found(None, &all[1..]), Some("text/AGENTAPI_TOKEN".into()));
        assert_eq!(found(None, &all[2..]), Some(credential));
        assert_eq!(found(None, &[]), None);
    }
}
