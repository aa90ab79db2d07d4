//! Which agent: three options, their variables, and the token that is in neither an option nor a message.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agentapi_host::{Error, Target};
use clap::Args;

use crate::error::UsageError;

/// Which agent to connect to. Taken before and after the command; what stands after it counts.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Agent")]
pub(crate) struct ConnectionOptions {
    /// Where the agent listens, such as 10.0.0.1:8443 [env: AGENTAPI_ENDPOINT]
    ///
    /// host, host:port, [v6] or [v6]:port; port 443 where none is given.
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// SHA-256 of its leaf certificate; repeatable [env: AGENTAPI_FINGERPRINT]
    ///
    /// 64 hex digits; `:` and blanks may stand between them. Up to eight are taken, and any of them
    /// is accepted: while the certificate is renewed, give the current one and the next. The variable
    /// takes several separated by commas.
    #[arg(long, value_name = "SHA256", verbatim_doc_comment)]
    fingerprint: Vec<String>,
    /// File with the guest's token [env: AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN]
    ///
    /// Its one final line end is dropped. Only where no file is named, by this option or by
    /// AGENTAPI_TOKEN_FILE, the token itself is taken from AGENTAPI_TOKEN. The token is never an
    /// argument: every user of the machine can read those.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    token_file: Option<PathBuf>,
}

/// The three texts, none of them looked at yet.
pub(crate) struct ConnectionTexts {
    endpoint: String,
    fingerprints: Vec<String>,
    token: TokenSource,
}

enum TokenSource {
    /// A file, and what named it.
    File(PathBuf, &'static str),
    Text(OsString),
}

impl ConnectionOptions {
    /// These, and the outer ones for those that are not given.
    pub(crate) fn or(self, outer: &Self) -> Self {
        let fingerprint = if self.fingerprint.is_empty() { outer.fingerprint.clone() } else { self.fingerprint };
        Self {
            endpoint: self.endpoint.or_else(|| outer.endpoint.clone()),
            fingerprint,
            token_file: self.token_file.or_else(|| outer.token_file.clone()),
        }
    }

    pub(crate) fn are_given(&self) -> bool {
        self.endpoint.is_some() || !self.fingerprint.is_empty() || self.token_file.is_some()
    }

    /// The name of the first one that is given.
    pub(crate) fn first_name(&self) -> &'static str {
        match self {
            Self { endpoint: Some(_), .. } => "endpoint",
            Self { token_file: Some(_), .. } => "token-file",
            _ => "fingerprint",
        }
    }

    /// These, and the environment's for those that are not given. An empty text is given, and wrong.
    pub(crate) fn complete(self, variable: impl Fn(&str) -> Option<OsString>) -> Result<ConnectionTexts, UsageError> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let endpoint = self.endpoint.or_else(|| text("AGENTAPI_ENDPOINT"));
        let fingerprints = match text("AGENTAPI_FINGERPRINT") {
            Some(list) if self.fingerprint.is_empty() => list.split(',').map(str::to_owned).collect(),
            _ => self.fingerprint,
        };
        let token = find_token(self.token_file, &variable);
        match (endpoint, fingerprints.is_empty(), token) {
            (Some(endpoint), false, Some(token)) => Ok(ConnectionTexts { endpoint, fingerprints, token }),
            (endpoint, no_fingerprint, token) => Err(missing(endpoint.is_none(), no_fingerprint, token.is_none())),
        }
    }
}

impl ConnectionTexts {
    /// Reads the token and parses all three.
    pub(crate) fn parse(&self) -> Result<Target, Error> {
        let token = self.token.read()?;
        Target::parse(&self.endpoint, &token, &self.fingerprints)
    }
}

impl TokenSource {
    fn read(&self) -> Result<String, Error> {
        match self {
            // What is no Unicode becomes a character that no token has.
            Self::Text(text) => Ok(text.to_string_lossy().into_owned()),
            // Not the file's name: it may be the token, given in the wrong place.
            Self::File(file, named_by) => read_token(file).map_err(|why| {
                Error::InvalidArgument(format!("token: the file that {named_by} names cannot be read: {why}"))
            }),
        }
    }
}

fn find_token(file: Option<PathBuf>, variable: impl Fn(&str) -> Option<OsString>) -> Option<TokenSource> {
    if let Some(file) = file {
        return Some(TokenSource::File(file, "--token-file"));
    }
    match variable("AGENTAPI_TOKEN_FILE") {
        Some(file) => Some(TokenSource::File(file.into(), "AGENTAPI_TOKEN_FILE")),
        None => variable("AGENTAPI_TOKEN").map(TokenSource::Text),
    }
}

fn read_token(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(MAX_TOKEN_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TOKEN_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {MAX_TOKEN_FILE_BYTES} bytes")));
    }
    let text = String::from_utf8_lossy(&bytes);
    let line = text.strip_suffix("\r\n").or_else(|| text.strip_suffix('\n'));
    Ok(line.unwrap_or(&text).to_owned())
}

fn missing(endpoint: bool, fingerprint: bool, token: bool) -> UsageError {
    let named = [
        (endpoint, "the endpoint: --endpoint ENDPOINT or AGENTAPI_ENDPOINT"),
        (fingerprint, "the fingerprint: --fingerprint SHA256 or AGENTAPI_FINGERPRINT"),
        (token, "the token: --token-file FILE, AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN"),
    ];
    let lines = named.into_iter().filter(|(is_missing, _)| *is_missing);
    let list: String = lines.map(|(_, text)| format!("\n  {text}")).collect();
    UsageError(format!(
        "which agent? Missing:{list}\n(no agent at hand? `agentapi mock` starts one and prints all three)"
    ))
}

/// The largest token file that is read, in bytes: more than any server takes in a header.
const MAX_TOKEN_FILE_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;

    use super::{ConnectionOptions, read_token};

    fn environment(name: &str) -> Option<OsString> {
        let value = match name {
            "AGENTAPI_ENDPOINT" => "agent:1",
            "AGENTAPI_FINGERPRINT" => "aa,bb",
            "AGENTAPI_TOKEN" => "secret",
            _ => return None,
        };
        Some(value.into())
    }

    #[test]
    fn options_come_before_the_outer_ones_and_those_before_the_environment() {
        let with = |endpoint: Option<&str>, fingerprint: &[&str]| ConnectionOptions {
            endpoint: endpoint.map(Into::into),
            fingerprint: fingerprint.iter().map(|text| text.to_string()).collect(),
            token_file: None,
        };
        let cases = [
            (with(None, &[]), with(None, &[]), "agent:1", vec!["aa", "bb"]),
            (with(None, &[]), with(Some("outer"), &["cc"]), "outer", vec!["cc"]),
            (with(Some("inner"), &["dd", "ee"]), with(Some("outer"), &["cc"]), "inner", vec!["dd", "ee"]),
            (with(Some(""), &[""]), with(Some("outer"), &["cc"]), "", vec![""]),
        ];
        for (inner, outer, endpoint, fingerprints) in cases {
            let texts = inner.or(&outer).complete(environment).unwrap_or_else(|why| panic!("{why}"));
            assert_eq!(
                (texts.endpoint.as_str(), texts.fingerprints),
                (endpoint, fingerprints.into_iter().map(String::from).collect())
            );
        }
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let Err(usage) =
            ConnectionOptions::default().complete(|name| environment(name).filter(|text| text != "secret"))
        else {
            panic!("there is no token");
        };
        let text = usage.to_string();
        assert!(text.contains("--token-file FILE") && !text.contains("--endpoint"), "{text}");
    }

    #[test]
    fn one_final_line_end_of_the_token_file_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cases =
            [("tok", "tok"), ("tok\n", "tok"), ("tok\r\n", "tok"), ("tok\n\n", "tok\n"), ("tok\r", "tok\r"), ("", "")];
        for (text, token) in cases {
            fs::write(file.path(), text).unwrap();
            assert_eq!(read_token(file.path()).unwrap(), token, "{text:?}");
        }
        fs::write(file.path(), [b'a'; 65537]).unwrap();
        assert!(read_token(file.path()).is_err());
    }
}
