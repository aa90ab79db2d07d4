//! `[[notify]]`: who is told, and from which severity on.
//!
//! | `kind` | its keys |
//! | --- | --- |
//! | `"webhook"` | `url`, `secret_file` or `signing_secret` for the signature |
//! | `"ntfy"` | `url` with the topic, `token_file` or `token_secret` |
//! | `"command"` | `command`, which gets the notice as JSON on its standard input |
//! | `"smtp"` | `server`, `tls`, `sender`, `recipients`, `user` and `password_file` or `password_secret` |
//!
//! Each has a `name`, its kind by default, and a `severity`, `"warning"` by default. Secrets are in files of their own,
//! which are read for each delivery; `.._secret` is a name in `[secrets]`.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use agentapi_host::Authority;
use agentapi_host::quiesce::Program;

use super::secrets::Secrets;
use super::section::Section;
use super::{check_name, optional_key};
use crate::event::Severity;

/// One who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Its name, which no other has.
    pub name: String,
    /// It is told of this and what is worse.
    pub severity: Severity,
    /// How.
    pub target: NotifyTarget,
}

/// How somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyTarget {
    /// By a POST of JSON.
    Webhook {
        /// Where to.
        url: Url,
        /// Holds the key of the signature.
        secret_file: Option<PathBuf>,
    },
    /// By ntfy.
    Ntfy {
        /// The server with the topic.
        url: Url,
        /// Holds the token.
        token_file: Option<PathBuf>,
    },
    /// By a program of the operator.
    Command(Program),
    /// By mail.
    Smtp(Mail),
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The mail server.
    pub server: Authority,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Who sends.
    pub sender: String,
    /// Who receives; at least one.
    pub recipients: Vec<String>,
    /// The name to log in with, and the file that holds the password.
    pub login: Option<(String, PathBuf)>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// It begins in the clear and must change to TLS before anything else is said.
    StartTls,
    /// It begins with TLS, usually on port 465.
    Implicit,
    /// Not at all; no password is sent over it.
    Off,
}

/// An `http` or `https` URL. Printed without path and query, which are the secret of many webhooks.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// All of it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// With this added to its path: for a URL without a query.
    pub fn joined(&self, path: &str) -> Self {
        Self(format!("{}{path}", self.0.trim_end_matches('/')))
    }
}

impl FromStr for Url {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
        let is_right = host.is_some_and(|host| host.parse::<Authority>().is_ok());
        match is_right && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            true => Ok(Self(text.to_owned())),
            false => Err("expected a URL with http:// or https://, a host, and no user or blank"),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // After the two slashes of `https://`.
        let end = self.0.match_indices(['/', '?', '#']).nth(2).map_or(self.0.len(), |(place, _)| place);
        let (shown, hidden) = self.0.split_at(end);
        write!(f, "{shown}{}", if hidden.len() > 1 { "/.." } else { "" })
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn check_all(sections: Vec<Section<'_>>, secrets: &Secrets) -> Option<Vec<Notify>> {
    let mut names = BTreeSet::new();
    let checked: Vec<_> = sections.into_iter().map(|section| check(section, &mut names, secrets)).collect();
    checked.into_iter().collect()
}

fn check(section: Section<'_>, names: &mut BTreeSet<String>, secrets: &Secrets) -> Option<Notify> {
    section.require("kind", "\"webhook\", \"ntfy\", \"command\" or \"smtp\"");
    let kinds = ["webhook", "ntfy", "command", "smtp"].map(|kind| (kind, kind));
    let kind = section.choice("kind", &kinds);
    let severities: Vec<_> = Severity::ALL.iter().map(|&severity| (severity.name(), severity)).collect();
    let severity = optional_key(&section, "severity", |section| section.choice("severity", &severities));
    let name = optional_key(&section, "name", |section| section.checked("name", check_name(section.text("name")?)));
    let name = name.map(|name| name.or(kind.map(str::to_owned)).unwrap_or_default());
    if kind.is_some() && name.as_ref().is_some_and(|name| !names.insert(name.clone())) {
        section.mistake("name", "expected a name that no other [[notify]] has");
    }
    let target = match kind {
        Some("webhook") => check_webhook(&section, secrets),
        Some("ntfy") => check_ntfy(&section, secrets),
        Some("command") => {
            section.require("command", "a command line");
            section.program("command").map(NotifyTarget::Command)
        }
        Some(_) => check_smtp(&section, secrets),
        // Which other keys there may be, nobody knows.
        None => return None,
    };
    section.finish();
    Some(Notify { name: name?, severity: severity?.unwrap_or(Severity::Warning), target: target? })
}

fn check_webhook(section: &Section<'_>, secrets: &Secrets) -> Option<NotifyTarget> {
    section.require("url", "a URL");
    let url = section.parsed("url");
    let secret_file = secrets.named_in(section, "secret_file", "signing_secret");
    Some(NotifyTarget::Webhook { url: url?, secret_file: secret_file? })
}

fn check_ntfy(section: &Section<'_>, secrets: &Secrets) -> Option<NotifyTarget> {
    section.require("url", "a URL");
    let url = section.parsed("url");
    let token_file = secrets.named_in(section, "token_file", "token_secret");
    Some(NotifyTarget::Ntfy { url: url?, token_file: token_file? })
}

fn check_smtp(section: &Section<'_>, secrets: &Secrets) -> Option<NotifyTarget> {
    section.require("server", "a mail server such as \"mail.example.org:587\"");
    section.require("sender", "a mail address");
    section.require("recipients", "a list of mail addresses");
    let server: Option<Authority> = section.parsed("server");
    // An authority without a port has that of https, where no mail server is.
    let has_port = |server: &Authority| {
        section.text("server").is_some_and(|text| text.trim().ends_with(&format!(":{}", server.port())))
    };
    if server.as_ref().is_some_and(|server| !has_port(server)) {
        section.mistake("server", "expected a port as well, such as mail.example.org:587, found none");
        return None;
    }
    let sender = section.text("sender").and_then(|text| section.checked("sender", check_address(text)));
    let recipients = section.list("recipients", check_address);
    if recipients.as_ref().is_some_and(Vec::is_empty) {
        section.mistake("recipients", "expected one mail address at least, found none");
    }
    let user = section.text("user").map(str::to_owned);
    let password = secrets.named_in(section, "password_file", "password_secret");
    let password_key = if section.has("password_secret") { "password_secret" } else { "password_file" };
    let login = match (section.has("user"), section.has(password_key)) {
        (false, false) => Some(None),
        (true, true) => user.zip(password.flatten()).map(Some),
        (has_user, _) => {
            let (there, missing) = if has_user { ("user", "password_file") } else { (password_key, "user") };
            section.mistake(there, format!("expected {missing} beside it, found none"));
            None
        }
    };
    let modes = [("starttls", MailTls::StartTls), ("implicit", MailTls::Implicit), ("none", MailTls::Off)];
    let tls = optional_key(section, "tls", |section| section.choice("tls", &modes))
        .map(|tls| tls.unwrap_or(MailTls::StartTls));
    if tls == Some(MailTls::Off) && section.has("user") {
        section.mistake("tls", "expected \"starttls\" or \"implicit\" with a password, found \"none\"");
        return None;
    }
    let (server, sender) = (server?, sender?);
    Some(NotifyTarget::Smtp(Mail { server, tls: tls?, sender, recipients: recipients?, login: login? }))
}

fn check_address(text: &str) -> Result<String, String> {
    let is_right =
        text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.parse::<Authority>().is_ok());
    match is_right && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(format!("expected a mail address such as ops@example.org, found {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_printed_without_what_may_be_secret() {
        for (text, printed) in [
            ("https://ntfy.sh/my-topic", "https://ntfy.sh/.."),
            ("http://localhost:8080", "http://localhost:8080"),
            ("https://hooks.example.org/", "https://hooks.example.org"),
            ("https://hooks.example.org?key=1", "https://hooks.example.org/.."),
            ("http://a/b", "http://a/.."),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.to_string(), format!("{url:?}")), (printed.to_owned(), printed.to_owned()));
            assert_eq!(url.reveal(), text);
        }
        for text in ["", "ntfy.sh/x", "ftp://a/b", "https://", "https:///x", "https://u:p@host/x", "https://a/ b"] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
    }
}
