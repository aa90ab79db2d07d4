//! Which agent: three options, their variables, and the token that is in neither an option nor a message.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use agentapi_host::{Connection, Error};
use clap::Args;

use super::failure::Usage;

/// Which agent to connect to. Taken before and after the command; what stands after it counts.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Agent")]
pub(super) struct ConnectionOptions {
    /// Where the agent listens: host, host:port, [v6] or [v6]:port [env: AGENTAPI_ENDPOINT]
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// SHA-256 of the agent's leaf certificate in 64 hex digits; again for each further one that is accepted
    /// [env: AGENTAPI_FINGERPRINT, several separated by commas]
    #[arg(long, value_name = "SHA256")]
    fingerprint: Vec<String>,
    /// File with the guest's token; its one final line end is dropped [env: AGENTAPI_TOKEN_FILE; or the token itself in
    /// AGENTAPI_TOKEN, which counts only where no file is given]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The three texts, none of them looked at yet.
pub(super) struct ConnectionTexts {
    endpoint: String,
    fingerprints: Vec<String>,
    token: TokenSource,
}

enum TokenSource {
    File(PathBuf),
    Text(OsString),
}

impl ConnectionOptions {
    /// These, and the outer ones for those that are not given.
    pub(super) fn or(self, outer: &Self) -> Self {
        let fingerprint = if self.fingerprint.is_empty() { outer.fingerprint.clone() } else { self.fingerprint };
        Self {
            endpoint: self.endpoint.or_else(|| outer.endpoint.clone()),
            fingerprint,
            token_file: self.token_file.or_else(|| outer.token_file.clone()),
        }
    }

    pub(super) fn are_given(&self) -> bool {
        self.endpoint.is_some() || !self.fingerprint.is_empty() || self.token_file.is_some()
    }

    /// The name of the first one that is given.
    pub(super) fn first_name(&self) -> &'static str {
        match self {
            Self { endpoint: Some(_), .. } => "endpoint",
            Self { token_file: Some(_), .. } => "token-file",
            _ => "fingerprint",
        }
    }

    /// These, and the environment's for those that are not given. An empty text is given, and wrong.
    pub(super) fn complete(self, variable: impl Fn(&str) -> Option<OsString>) -> Result<ConnectionTexts, Usage> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let endpoint = self.endpoint.or_else(|| text("AGENTAPI_ENDPOINT"));
        let fingerprints = match text("AGENTAPI_FINGERPRINT") {
            Some(list) if self.fingerprint.is_empty() => list.split(',').map(str::to_owned).collect(),
            _ => self.fingerprint,
        };
        let file = self.token_file.or_else(|| variable("AGENTAPI_TOKEN_FILE").map(PathBuf::from));
        let token = file.map(TokenSource::File).or_else(|| variable("AGENTAPI_TOKEN").map(TokenSource::Text));
        match (endpoint, fingerprints.is_empty(), token) {
            (Some(endpoint), false, Some(token)) => Ok(ConnectionTexts { endpoint, fingerprints, token }),
            (endpoint, no_fingerprint, token) => Err(missing(endpoint.is_none(), no_fingerprint, token.is_none())),
        }
    }
}

impl ConnectionTexts {
    /// Reads the token and parses all three.
    pub(super) fn parse(&self) -> Result<Connection, Error> {
        let token = self.token.read()?;
        Connection::parse(&self.endpoint, &token, &self.fingerprints)
    }
}

impl TokenSource {
    fn read(&self) -> Result<String, Error> {
        match self {
            // What is no Unicode becomes a character that no token has.
            Self::Text(text) => Ok(text.to_string_lossy().into_owned()),
            Self::File(file) => read_token(file).map_err(|why| {
                Error::InvalidArgument(format!("token: cannot read the token file {}: {why}", file.display()))
            }),
        }
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

fn missing(endpoint: bool, fingerprint: bool, token: bool) -> Usage {
    let named = [
        (endpoint, "the endpoint: --endpoint ENDPOINT or AGENTAPI_ENDPOINT"),
        (fingerprint, "the fingerprint: --fingerprint SHA256 or AGENTAPI_FINGERPRINT"),
        (token, "the token: --token-file FILE, AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN"),
    ];
    let lines = named.into_iter().filter(|(is_missing, _)| *is_missing);
    let list: String = lines.map(|(_, text)| format!("\n  {text}")).collect();
    Usage(format!("which agent? Missing:{list}\n(no agent at hand? `agentapi mock` starts one and prints all three)"))
}

/// The largest token file that is read, in bytes: more than any server takes in a header.
const MAX_TOKEN_FILE_BYTES: u64 = 64 * 1024;
