//! The configuration: one TOML file, checked as a whole. What comes out cannot be wrong, and holds no texts to parse.
//!
//! | table | in |
//! | --- | --- |
//! | `[agent]` | [`agent`] |
//! | `[[extension]]` | [`extension`] |
//! | `[backup]`, `[quiesce]` | [`backup`] |
//! | `[[notify]]`, `[secrets]` | [`notify`], `secrets` |
//! | `[api]`, `[metrics]`, `[audit]`, `[state]` | [`places`] |
//! | `[traces]` | [`traces`] |
//! | `[fleet]` | [`fleet`] |
//! | `cron`, `every`, `zone`, `window`, `jitter`, `catch_up`, `paused` of what is due | [`due`] |
//!
//! A file with nothing but `[agent]` is valid. A relative path is in the folder of the file.

pub mod agent;
pub mod backup;
mod compare;
pub mod due;
pub mod extension;
pub mod fleet;
mod journal;
mod mistake;
pub mod notify;
pub mod places;
mod print;
mod reload;
mod secret;
mod secrets;
mod section;
pub mod traces;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agentapi_host::Target;
use jiff::tz::TimeZone;
use toml::de::DeTable;

pub use agent::credential_in;
pub use compare::compare;
pub use journal::journal_of;
pub use mistake::{Mistake, Place};
pub use print::print;
pub use reload::{LOOK_EVERY, Reload};
pub use secret::read_secret;

use backup::{Backup, Quiesce};
use extension::Extension;
use fleet::Fleet;
use notify::Notify;
use places::{Api, Metrics, Retention};
use secrets::Secrets;
use section::{Notes, Section};
use traces::Collector;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What needs a restart to change.
    pub fixed: Fixed,
    /// What changes while the controller runs.
    pub live: Live,
    /// Where each key is in the file, for mistakes that show later.
    places: BTreeMap<String, Place>,
    file: PathBuf,
}

/// What needs a restart to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The guest's name, from which delays are made. The machine's own name by default.
    pub guest: String,
    /// What is frozen; none where there is no `[quiesce]`. It is opened once, with its threads, because a thaw must need
    /// nothing later.
    pub quiesce: Option<Quiesce>,
    /// The journal of freezes.
    pub journal: PathBuf,
    /// The local sockets, and who may do what.
    pub api: Api,
    /// Where metrics are served beside the socket.
    pub metrics: Metrics,
    /// Who takes traces; none where there is no `[traces]`.
    pub traces: Option<Collector>,
    /// The bus; none where there is no `[fleet]`.
    pub fleet: Option<Fleet>,
    /// The file of the audit.
    pub audit: PathBuf,
    /// The folder of the state.
    pub state: PathBuf,
}

/// What changes while the controller runs. What has begun goes on with what it began with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The agent, with the token as it was read.
    pub agent: Target,
    /// The extensions, each with a name of its own.
    pub extensions: Vec<Extension>,
    /// The backup loop; none where there is no `[backup]`: then this controller makes no backups.
    pub backup: Option<Backup>,
    /// The files of secrets that are used by name.
    pub secrets: BTreeMap<String, PathBuf>,
    /// Who is told of what.
    pub notify: Vec<Notify>,
    /// How long the history is kept.
    pub retention: Retention,
}

/// What a configuration takes from the machine and the process: passed in, so that a check gives the same everywhere.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The machine's name.
    pub host_name: String,
    /// The machine's time zone.
    pub zone: TimeZone,
    /// `$CREDENTIALS_DIRECTORY`: where systemd puts what `LoadCredential` names.
    pub credentials: Option<PathBuf>,
}

/// What came of reading a file.
#[derive(Debug)]
pub struct Reading {
    /// The configuration, or all that is wrong with it, in the order of the file.
    pub result: Result<Config, Vec<Mistake>>,
    /// All files that it depends on, also where it is wrong: when one changes, it may be right.
    pub files: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let host_name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host_name = host_name.trim().to_owned();
        let zone = TimeZone::try_system().unwrap_or(TimeZone::UTC);
        Self { host_name, zone, credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from) }
    }
}

impl Config {
    /// The file that it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Reads and checks a file.
    pub fn read(file: &Path, surroundings: &Surroundings) -> Reading {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                let text = format!("expected a file of text that can be read, found: {error}");
                let mistake = Mistake { file: file.to_owned(), place: None, key: String::new(), text };
                return Reading { result: Err(vec![mistake]), files: vec![file.to_owned()] };
            }
        };
        Self::check(file, &text, surroundings)
    }

    /// Checks a text as if it were read from this file. Reads the token, and looks whether extensions are there.
    pub fn check(file: &Path, text: &str, surroundings: &Surroundings) -> Reading {
        let notes = Notes::new(file, text);
        // What could be read is checked even if there are errors of syntax, so that all mistakes are named.
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            // The message alone: the error's own text would repeat the line, which may hold a secret.
            notes.add(error.span(), String::new(), error.message().replace('\n', ", "));
        }
        let root = Section::root(&notes, document.get_ref());
        let parts = check_document(root, surroundings);
        let has_mistakes = notes.has_mistakes();
        let (mistakes, places, mut files) = notes.into_parts();
        files.push(file.to_owned());
        let result = match parts {
            Some((fixed, live)) if !has_mistakes => Ok(Self { fixed, live, places, file: file.to_owned() }),
            _ => Err(mistakes),
        };
        Reading { result, files }
    }
}

/// None only with a mistake noted. Every table is read before the first `?`, so that none hides the mistakes of another.
fn check_document(root: Section<'_>, surroundings: &Surroundings) -> Option<(Fixed, Live)> {
    let guest = optional_key(&root, "guest", |root| root.checked("guest", check_name(root.text("guest")?)));
    let guest = guest.map(|name| name.unwrap_or_else(|| host_name(surroundings)));
    let due = due::Defaults { guest: guest.as_deref().unwrap_or_default(), zone: &surroundings.zone };
    root.require("agent", "a table [agent]");
    let agent = root.section("agent").and_then(|section| agent::check(section, surroundings));
    let signed_by = extension::check_signed_by(&root);
    let state = places::check_state(root.section("state"));
    let fleet = optional(root.section("fleet"), |section| fleet::check(section, due.guest, surroundings));
    let common = extension::Common {
        due,
        signed_by: signed_by.clone().flatten().unwrap_or_default(),
        of_fleet: fleet.as_ref().and_then(Option::as_ref).map_or(&[], |fleet| &fleet.extensions),
        state: state.as_ref().map(|(folder, _)| folder.as_path()),
    };
    let extensions = extension::check_all(root.sections("extension"), &common).filter(|_| signed_by.is_some());
    for name in common.of_fleet {
        let is_known = extensions.as_ref().is_none_or(|all| all.iter().any(|extension| extension.name == *name));
        if !is_known {
            root.mistake("fleet.extensions", format!("expected names of extensions in this file, found {name:?}"));
        }
    }
    let due = common.due;
    let has_quiesce = root.has("quiesce");
    let backup = optional(root.section("backup"), |section| backup::check(section, has_quiesce, &due));
    let (backup, lease) = backup.map(Option::unzip).unzip();
    let quiesce = optional(root.section("quiesce"), |section| backup::check_quiesce(section, lease.flatten()));
    let secrets = Secrets::check(root.named_sections("secrets"), surroundings);
    let notify = notify::check_all(root.sections("notify"), &secrets);
    let audit = places::check_audit(root.section("audit"));
    let api = places::check_api(root.section("api"));
    let metrics = places::check_metrics(root.section("metrics"));
    let traces = optional(root.section("traces"), traces::check);
    root.finish();

    let (state, retention) = state?;
    let (quiesce, journal) = quiesce?.unzip();
    let fixed = Fixed {
        guest: guest?,
        quiesce,
        journal: journal.flatten().unwrap_or_else(|| state.join(journal::FILE)),
        api: api?,
        metrics: metrics?,
        traces: traces?,
        fleet: fleet?,
        audit: audit?.unwrap_or_else(|| state.join("audit.jsonl")),
        state,
    };
    let live = Live {
        agent: agent?,
        extensions: extensions?,
        backup: backup?,
        secrets: secrets.files()?,
        notify: notify?,
        retention,
    };
    Some((fixed, live))
}

/// "guest" where the machine has none, or one that cannot stand everywhere: delays are made from it, so there must be one.
fn host_name(surroundings: &Surroundings) -> String {
    check_name(&surroundings.host_name).unwrap_or_else(|_| "guest".to_owned())
}

/// `None` for a table with mistakes, `Some(None)` for one that is not there.
fn optional<'a, T>(section: Option<Section<'a>>, check: impl FnOnce(Section<'a>) -> Option<T>) -> Option<Option<T>> {
    match section {
        Some(section) => check(section).map(Some),
        None => Some(None),
    }
}

/// The same for a key.
fn optional_key<'a, T>(
    section: &Section<'a>,
    key: &'static str,
    check: impl FnOnce(&Section<'a>) -> Option<T>,
) -> Option<Option<T>> {
    // Asked for in any case, so that it is known.
    let value = check(section);
    if section.has(key) { value.map(Some) } else { Some(None) }
}

/// A name that can stand in a path, a label and a log line as it is.
fn check_name(name: &str) -> Result<String, String> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    match starts_well && name.len() <= MAX_NAME && name.bytes().all(is_allowed) {
        true => Ok(name.to_owned()),
        false => {
            Err(format!("expected up to {MAX_NAME} letters, digits, '-', '_' and '.', the first a letter or digit"))
        }
    }
}

/// Length of a name in bytes: as long as a DNS label.
const MAX_NAME: usize = 63;

#[cfg(test)]
mod tests;
