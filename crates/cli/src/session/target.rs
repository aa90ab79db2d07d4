//! Which agent to talk to: three options, and the environment variables that stand in for them.

use std::ffi::OsString;
use std::path::PathBuf;

use agentapi_host::{Error, Fingerprint, Target};
use clap::Args;

use crate::error::UsageError;
use crate::session::token::TokenSource;

/// Which agent to talk to. Accepted before and after the command's name; the one after it wins.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Agent")]
pub(crate) struct TargetOptions {
    /// Where the agent listens, such as 10.0.0.1:8443 [env: AGENTAPI_ENDPOINT]
    ///
    /// host, host:port, [v6] or [v6]:port; port 443 where none is given.
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// SHA-256 of its leaf certificate; repeatable [env: AGENTAPI_FINGERPRINT]
    ///
    /// 64 hex digits, or what openssl, Proxmox and browsers show: with `:`, `-` and blanks among them,
    /// and a label such as `sha256 Fingerprint=` in front. Up to eight are taken, and any of them is
    /// accepted: while the certificate is renewed, give the current one and the next. The variable takes
    /// several separated by commas.
    #[arg(long, value_name = "SHA256")]
    fingerprint: Vec<String>,
    /// File with the guest's token [env: AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN]
    ///
    /// Its one final line end is dropped. Only where no file is named, by this option or by
    /// AGENTAPI_TOKEN_FILE, the token itself is taken from AGENTAPI_TOKEN; and where that is not set
    /// either, from the credential agentapi-token that systemd gives to a unit with
    /// `LoadCredential=agentapi-token:FILE`. The token is never an argument: every user of the machine
    /// can read those.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A complete target that is not parsed yet: `agentapi call` answers each line with the error that parsing gives.
pub(crate) struct UnparsedTarget {
    endpoint: String,
    fingerprints: Vec<String>,
    token: TokenSource,
}

impl TargetOptions {
    /// These options, with the missing ones taken from `global`.
    pub(crate) fn or(&self, global: &Self) -> Self {
        let fingerprint = if self.fingerprint.is_empty() { &global.fingerprint } else { &self.fingerprint };
        Self {
            endpoint: self.endpoint.as_ref().or(global.endpoint.as_ref()).cloned(),
            fingerprint: fingerprint.clone(),
            token_file: self.token_file.as_ref().or(global.token_file.as_ref()).cloned(),
        }
    }

    /// Whether an option or the environment says anything of an agent.
    pub(crate) fn names_an_agent(&self, variable: impl Fn(&str) -> Option<OsString>) -> bool {
        let variables = ["AGENTAPI_ENDPOINT", "AGENTAPI_FINGERPRINT", "AGENTAPI_TOKEN_FILE", "AGENTAPI_TOKEN"];
        self.first_given().is_some() || variables.into_iter().any(|name| variable(name).is_some())
    }

    /// The name of the first option that is given, without its dashes.
    pub(crate) fn first_given(&self) -> Option<&'static str> {
        match self {
            Self { endpoint: Some(_), .. } => Some("endpoint"),
            Self { token_file: Some(_), .. } => Some("token-file"),
            Self { fingerprint, .. } if !fingerprint.is_empty() => Some("fingerprint"),
            _ => None,
        }
    }

    /// These options, with the missing ones taken from the environment. An empty text is not missing: parsing refuses it.
    pub(crate) fn complete(self, variable: impl Fn(&str) -> Option<OsString>) -> Result<UnparsedTarget, UsageError> {
        let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
        let endpoint = self.endpoint.or_else(|| text("AGENTAPI_ENDPOINT"));
        let fingerprints = match text("AGENTAPI_FINGERPRINT") {
            Some(list) if self.fingerprint.is_empty() => list.split(',').map(str::to_owned).collect(),
            _ => self.fingerprint,
        };
        let token = TokenSource::find(self.token_file, &variable);
        match (endpoint, fingerprints.is_empty(), token) {
            (Some(endpoint), false, Some(token)) => Ok(UnparsedTarget { endpoint, fingerprints, token }),
            (endpoint, no_fingerprint, token) => {
                Err(missing_options(endpoint.is_none(), no_fingerprint, token.is_none()))
            }
        }
    }
}

impl UnparsedTarget {
    /// Reads the token and parses all three parts. Fingerprints are taken as people paste them.
    pub(crate) fn parse_pasted(&self) -> Result<Target, Error> {
        let pasted = |text: &String| Fingerprint::from_pasted(text).map(|fingerprint| fingerprint.to_string());
        let fingerprints: Result<Vec<_>, _> = self.fingerprints.iter().map(pasted).collect();
        let fingerprints = fingerprints.map_err(|why| Error::InvalidArgument(format!("fingerprint: {why}")))?;
        let token = self.token.read()?;
        Target::parse(&self.endpoint, &token, &fingerprints)
    }

    /// The same for programs, with fingerprints as the contract has them: the protocol of `call` does not change.
    pub(crate) fn parse(&self) -> Result<Target, Error> {
        let token = self.token.read()?;
        Target::parse(&self.endpoint, &token, &self.fingerprints)
    }
}

/// Lists all that is missing at once, so that nobody is told three times.
fn missing_options(endpoint: bool, fingerprint: bool, token: bool) -> UsageError {
    let options = [
        (endpoint, "the endpoint: --endpoint ENDPOINT or AGENTAPI_ENDPOINT"),
        (fingerprint, "the fingerprint: --fingerprint SHA256 or AGENTAPI_FINGERPRINT"),
        (token, "the token: --token-file FILE, AGENTAPI_TOKEN_FILE or AGENTAPI_TOKEN"),
    ];
    let missing = options.into_iter().filter(|(is_missing, _)| *is_missing);
    let list: String = missing.map(|(_, text)| format!("\n  {text}")).collect();
    UsageError(format!(
        "which agent? Missing:{list}\n(no agent at hand? `agentapi mock` starts one and prints all three)"
    ))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::TargetOptions;

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
    fn options_come_before_the_global_ones_and_those_before_the_environment() {
        let with = |endpoint: Option<&str>, fingerprint: &[&str]| TargetOptions {
            endpoint: endpoint.map(Into::into),
            fingerprint: fingerprint.iter().map(|text| text.to_string()).collect(),
            token_file: None,
        };
        let cases = [
            (with(None, &[]), with(None, &[]), "agent:1", vec!["aa", "bb"]),
            (with(None, &[]), with(Some("global"), &["cc"]), "global", vec!["cc"]),
            (with(Some("own"), &["dd", "ee"]), with(Some("global"), &["cc"]), "own", vec!["dd", "ee"]),
            (with(Some(""), &[""]), with(Some("global"), &["cc"]), "", vec![""]),
        ];
        for (own, global, endpoint, fingerprints) in cases {
            let target = own.or(&global).complete(environment).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                (target.endpoint.as_str(), target.fingerprints),
                (endpoint, fingerprints.into_iter().map(String::from).collect())
            );
        }
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let Err(error) = TargetOptions::default().complete(|name| environment(name).filter(|text| text != "secret"))
        else {
            panic!("there is no token");
        };
        let text = error.to_string();
        assert!(text.contains("--token-file FILE") && !text.contains("--endpoint"), "{text}");
    }
}
