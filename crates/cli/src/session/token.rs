//! Where the token comes from. It is never an argument, and no message here repeats it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agentapi_controller::config::{credential_in, read_secret};
use agentapi_host::Error;

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
            let file = credential_in(Path::new(&variable("CREDENTIALS_DIRECTORY")?))?;
            Some(Self::File(file, "CREDENTIALS_DIRECTORY"))
        })
    }

    pub(super) fn read(&self) -> Result<String, Error> {
        let token = match self {
            // Bytes that are not UTF-8 become U+FFFD, which the token's rule refuses.
            Self::Text(text) => text.to_string_lossy().into_owned(),
            // The message does not name the file: somebody may have given the token itself in its place.
            Self::File(file, named_by) => read_secret(file, named_by).map_err(|error| {
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

const BEARER: &str = "bearer ";

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::Path;

    use super::TokenSource;

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
