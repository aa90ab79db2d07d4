//! `[fleet]`: the bus on which this guest is one of many. All of it needs a restart to change.
//!
//! | key | default |
//! | --- | --- |
//! | `server` | none: it has to be given |
//! | `fingerprints` | none; one to eight |
//! | `key_file` | the systemd credential `agentapi-fleet-key` |
//! | `host` | none: it has to be given |
//! | `allowed_signers` | none: nobody's orders and votes are taken |
//! | `ring` | 9, the last one: a roll-out comes here after all others |
//! | `extensions` | none: the fleet changes no extension here |
//! | `slots` | the host's name: the group of which only so many back up at once |
//! | `without_bus` | `"run"`; or `"wait"` |
//! | `longest_wait` | `"6h"`: then a backup runs without a slot |
//! | `coordinator` | `false`: this controller plans nothing for others |
//! | `coordinator_key_file` | none; it has to be given for a coordinator |

use std::path::{Path, PathBuf};
use std::time::Duration;

use agentapi_host::{Authority, Fingerprint, Pins};

use super::section::Section;
use super::{Surroundings, check_name, optional_key};

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
    /// Its ring, from 1 to 9: roll-outs go from the first to the last.
    pub ring: u8,
    /// The extensions whose bytes the fleet may change.
    pub extensions: Vec<String>,
    /// The group of guests of which only so many back up at once.
    pub slots: String,
    /// Whether a backup runs where the bus is gone, or waits.
    pub runs_without_bus: bool,
    /// How long a backup waits for a slot at most.
    pub longest_wait: Duration,
    /// Holds the seed of the coordinator's key, if this controller plans for the others.
    pub coordinator_key_file: Option<PathBuf>,
}

/// The name below the state's folder, of what a fleet has put there.
const FOLDER: &str = "fleet";

/// Where the bytes lie that a fleet has chosen for an extension: a link to the file that is named by their digest.
pub fn chosen(state: &Path, extension: &str) -> PathBuf {
    state.join(FOLDER).join(format!("{extension}.wasm"))
}

pub(super) fn check(section: Section<'_>, guest: &str, surroundings: &Surroundings) -> Option<Fleet> {
    section.require("server", "a text such as \"10.0.0.5:4222\"");
    section.require("fingerprints", "a list of one to eight texts");
    section.require("host", "the name of the host that this guest is on");
    let (server, pins) = (server(&section), pins(&section));
    let host = token(&section, "host");
    let key_file = key_file(&section, surroundings);
    let allowed_signers = section.file("allowed_signers");
    let ring = optional_key(&section, "ring", |section| section.checked("ring", check_ring(section.number("ring")?)));
    let extensions = section.list("extensions", check_name).or_else(|| (!section.has("extensions")).then(Vec::new));
    let slots = optional_key(&section, "slots", |section| token(section, "slots"));
    let runs_without_bus = optional_key(&section, "without_bus", |section| {
        section.choice("without_bus", &[("run", true), ("wait", false)])
    });
    let longest_wait = optional_key(&section, "longest_wait", |section| section.period("longest_wait"));
    let coordinator_key_file = coordinator(&section);
    let guest = check_token(guest).map_err(|why| section.mistake("", format!("as the guest's name in a fleet, {why}")));
    section.finish();
    guest.ok()?;
    let host = host?;
    Some(Fleet {
        server: server?,
        pins: pins?,
        key_file: key_file?,
        allowed_signers,
        ring: ring?.unwrap_or(LAST_RING),
        extensions: extensions?,
        slots: slots?.unwrap_or_else(|| host.clone()),
        host,
        runs_without_bus: runs_without_bus?.unwrap_or(true),
        longest_wait: longest_wait?.unwrap_or(LONGEST_WAIT),
        coordinator_key_file: coordinator_key_file?,
    })
}

fn server(section: &Section<'_>) -> Option<Authority> {
    section.checked("server", with_port(section.text("server")?).parse())
}

fn pins(section: &Section<'_>) -> Option<Pins> {
    let parse = |text: &str| Fingerprint::from_pasted(text).map_err(|error| error.to_string());
    section.checked("fingerprints", Pins::try_from(section.list("fingerprints", parse)?))
}

/// A key whose value is a part of subjects on the bus.
fn token(section: &Section<'_>, key: &'static str) -> Option<String> {
    section.checked(key, check_token(section.text(key)?))
}

fn check_ring(ring: u64) -> Result<u8, String> {
    let known = u8::try_from(ring).ok().filter(|ring| (1..=LAST_RING).contains(ring));
    known.ok_or_else(|| format!("expected a ring from 1 to {LAST_RING}, found {ring}"))
}

fn coordinator(section: &Section<'_>) -> Option<Option<PathBuf>> {
    let (is_one, file) = (section.flag("coordinator"), section.file("coordinator_key_file"));
    match (is_one, section.has("coordinator_key_file")) {
        (Some(true), true) => file.map(Some),
        (Some(true), false) => {
            section.mistake("coordinator", "expected coordinator_key_file beside it, found none");
            None
        }
        (_, true) => {
            section.mistake("coordinator_key_file", "expected coordinator = true beside it, found none");
            None
        }
        (_, false) => (is_one.is_some() || !section.has("coordinator")).then_some(None),
    }
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
/// The last ring, to which a guest belongs that says nothing.
pub const LAST_RING: u8 = 9;
/// How long a backup waits for a slot, where nothing else is said: one of the night does not wait for the next night.
pub const LONGEST_WAIT: Duration = Duration::from_secs(6 * 60 * 60);

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
