//! `[fleet]`: the bus on which this guest is one of many. All of it needs a restart to change.
//!
//! | key | default |
//! | --- | --- |
//! | `server` | none: it has to be given |
//! | `fingerprints` | none; one to eight |
//! | `key_file` | the systemd credential `agentapi-fleet-key` |
//! | `host` | none: it has to be given |
//! | `allowed_signers` | none: nobody's orders and votes are taken |

use std::path::PathBuf;

use agentapi_host::{Authority, Fingerprint, Pins};

use super::section::Section;
use super::{Surroundings, check_name};

/// The bus, and this guest's place on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Where the server listens.
    pub server: Authority,
    /// The certificates that it may present.
    pub pins: Pins,
    /// Holds the seed of this guest's key. Read when it is connected, and again after a refusal.
    pub key_file: PathBuf,
    /// The host that it is on.
    pub host: String,
    /// Who may sign orders and votes for this guest, in the format of ssh-keygen(1); none: nobody. Read each time there is
    /// something to verify.
    pub allowed_signers: Option<PathBuf>,
}

pub(super) fn check(section: Section<'_>, guest: &str, surroundings: &Surroundings) -> Option<Fleet> {
    section.require("server", "a text such as \"10.0.0.5:4222\"");
    section.require("fingerprints", "a list of one or two texts");
    section.require("host", "the name of the host that this guest is on");
    let server =
        section.text("server").and_then(|text| section.checked("server", with_port(text).parse::<Authority>()));
    let parse = |text: &str| Fingerprint::from_pasted(text).map_err(|error| error.to_string());
    let pins = section.list("fingerprints", parse);
    let pins = pins.and_then(|pins| section.checked("fingerprints", Pins::try_from(pins)));
    let host = section.checked("host", check_token(section.text("host").unwrap_or("?")));
    let key_file = key_file(&section, surroundings);
    let allowed_signers = section.file("allowed_signers");
    let guest = check_token(guest);
    if let Err(why) = &guest {
        section.mistake("", format!("the guest's name is one token of a subject here: {why}"));
    }
    section.finish();
    guest.ok()?;
    Some(Fleet { server: server?, pins: pins?, key_file: key_file?, host: host?, allowed_signers })
}

/// The server with the port of a nats-server where it has none: [`Authority`] would take that of https.
pub fn with_port(server: &str) -> String {
    let has_port = server.rsplit_once(':').is_some_and(|(host, port)| {
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        is_number && (!host.contains(':') || host.ends_with(']'))
    });
    if has_port { server.to_owned() } else { format!("{server}:{DEFAULT_PORT}") }
}

/// A name that is one token of a subject.
fn check_token(name: &str) -> Result<String, String> {
    check_name(name).ok().filter(|name| !name.contains('.')).ok_or_else(|| {
        format!("expected up to 63 letters, digits, '-' and '_', the first a letter or digit, found {name:?}")
    })
}

fn key_file(section: &Section<'_>, surroundings: &Surroundings) -> Option<PathBuf> {
    let named = section.file("key_file");
    if section.has("key_file") {
        return named;
    }
    let credential = surroundings.credentials.as_ref().map(|folder| folder.join(CREDENTIAL));
    let found = credential.filter(|file| file.is_absolute() && file.exists());
    if found.is_none() {
        let expected = format!("expected a file, or the systemd credential {CREDENTIAL}, found neither");
        section.mistake("key_file", expected);
    }
    found
}

/// The name of the credential.
const CREDENTIAL: &str = "agentapi-fleet-key";
/// The port of a nats-server.
const DEFAULT_PORT: u16 = 4222;

#[cfg(test)]
mod tests {
    use super::with_port;

    #[test]
    fn a_server_without_a_port_has_that_of_nats() {
        for (given, expected) in [
            ("10.0.0.5", "10.0.0.5:4222"),
            ("10.0.0.5:4223", "10.0.0.5:4223"),
            ("bus.example.org", "bus.example.org:4222"),
            ("[fd00::5]", "[fd00::5]:4222"),
            ("[fd00::5]:4223", "[fd00::5]:4223"),
        ] {
            assert_eq!(with_port(given), expected);
        }
    }
}
