//! What a mock agent starts with: a scenario, built in code or read from a TOML or JSON file.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use agentapi_contract::{Token, config_error};
use serde::Deserialize;

use crate::fault::FaultRule;
use crate::inventory::{Disk, HostMetrics, Mount, StorageTarget};

/// Everything that a mock agent knows when it starts.
///
/// A scenario file holds only what differs from [`Scenario::default`]; a list in a file replaces the default list. An
/// unknown key is refused, so that a misspelt one is not silently without effect. [`Scenario::EXAMPLE`] is a file with
/// every part in it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// The guest's number, which is in every answer.
    pub vmid: i64,
    /// The bearer token that the agent asks for; `None` for one made at random at each start.
    pub token: Option<Token>,
    /// The host's identity in the pending operations that an operator signs.
    pub host_scope: String,
    /// Whether a backup is due, and how backups run.
    pub backup: BackupScenario,
    /// Mounts of the guest, in the order of the answer.
    pub mounts: Vec<Mount>,
    /// Disks of the host, in the order of the answer.
    pub disks: Vec<Disk>,
    /// Guests that use what is mounted at a mount point; an eject answers with them.
    pub dependent_guests: BTreeMap<String, Vec<i64>>,
    /// The host's own metrics.
    pub host: HostMetrics,
    /// Storages of the host, in the order of the answer.
    pub storage_targets: Vec<StorageTarget>,
    /// Faults to inject from the start; in a file each is in the text form of [`FaultRule`].
    pub faults: Vec<FaultRule>,
}

impl Scenario {
    /// The default scenario as a TOML file with comments, to start one's own from.
    pub const EXAMPLE: &str = include_str!("scenario.example.toml");

    /// Reads a scenario from TOML text.
    ///
    /// # Errors
    /// [`ScenarioError::Toml`] for text that is not TOML, an unknown key or a value of the wrong type: `vmdi = 1`.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let offset = error.span().map(|span| span.start);
            ScenarioError::Toml(config_error(text, offset, error.message()).into())
        })
    }

    /// Reads a scenario from JSON text.
    ///
    /// # Errors
    /// [`ScenarioError::Json`] for text that is not JSON, an unknown key or a value of the wrong type: `{"vmid":"1"}`.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        serde_json::from_str(text).map_err(|error| {
            let (message, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
            let message = message.strip_suffix(&place).unwrap_or(&message);
            ScenarioError::Json(
                format!("line {}, column {}: {}", error.line(), error.column(), config_error("", None, message)).into(),
            )
        })
    }

    /// Reads a scenario file: JSON where its name ends in `.json`, else TOML. Blocks on the file system.
    ///
    /// # Errors
    /// [`ScenarioError::Read`] where the file cannot be read as UTF-8 text, else as [`Self::from_toml`] and
    /// [`Self::from_json`].
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = fs::read_to_string(path).map_err(|error| ScenarioError::Read { path: path.to_owned(), error })?;
        if path.extension().is_some_and(|extension| extension == "json") {
            Self::from_json(&text)
        } else {
            Self::from_toml(&text)
        }
    }
}

/// Whether a backup is due, and how backups run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupScenario {
    /// Whether a backup is due until one is done.
    pub due: bool,
    /// The reason why one is due, or why none is.
    pub reason: String,
    /// How far the latest backup has come, which somebody has started before.
    pub latest: LatestBackup,
    /// How long each backup runs, in milliseconds.
    pub duration_ms: u64,
    /// Empty where backups end as done. Otherwise they end as failed, with this text as their error.
    pub failure: String,
}

/// How far a backup has come that was not started through this agent's API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LatestBackup {
    /// There was none, or the agent has forgotten it.
    #[default]
    Idle,
    /// It runs, for the scenario's duration from now on.
    Running,
    /// It is done.
    Done,
    /// It has failed, with the scenario's text as its error.
    Failed,
}

impl BackupScenario {
    /// How long each backup runs.
    pub fn duration(&self) -> Duration {
        Duration::from_millis(self.duration_ms)
    }
}

/// Why a scenario could not be read. What exactly is wrong with the text, and where, is in the error's source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        error: io::Error,
    },
    /// The text is not a scenario in TOML.
    #[error("the scenario is not valid TOML of the documented shape")]
    Toml(#[source] Box<dyn Error + Send + Sync>),
    /// The text is not a scenario in JSON.
    #[error("the scenario is not valid JSON of the documented shape")]
    Json(#[source] Box<dyn Error + Send + Sync>),
}

#[cfg(test)]
mod tests {
    use agentapi_contract::Route;

    use super::{Error, Scenario, ScenarioError};
    use crate::Fault;

    #[test]
    fn the_example_file_is_the_default_scenario() {
        assert_eq!(Scenario::from_toml(Scenario::EXAMPLE).unwrap(), Scenario::default());
    }

    #[test]
    fn a_file_holds_only_what_differs_from_the_default() {
        let scenario = Scenario::from_toml("vmid = 7\ntoken = \"t\"\n[[disks]]\nname = \"one\"").unwrap();
        assert_eq!(scenario.vmid, 7);
        assert_eq!(scenario.token, Some("t".parse().unwrap()));
        assert_eq!(scenario.disks.len(), 1);
        assert_eq!(scenario.mounts, Scenario::default().mounts);
    }

    #[test]
    fn json_says_the_same_as_toml() {
        let json = r#"{"vmid":7,"backup":{"duration_ms":0},"storage_targets":[{"name":"x","smart":null}]}"#;
        let toml = "vmid = 7\n[backup]\nduration_ms = 0\n[[storage_targets]]\nname = \"x\"";
        assert_eq!(Scenario::from_json(json).unwrap(), Scenario::from_toml(toml).unwrap());
    }

    #[test]
    fn a_file_is_json_if_its_name_says_so_and_toml_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.json", r#"{"vmid":7}"#), ("a.toml", "vmid = 7"), ("scenario", "vmid = 7")] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(Scenario::read(&path).unwrap().vmid, 7, "{name}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.toml");
        let error = Scenario::read(&path).unwrap_err();
        assert!(matches!(error, ScenarioError::Read { .. }));
        assert_eq!(error.to_string(), format!("cannot read the scenario file {}", path.display()));
        std::fs::write(&path, b"host_scope = \"\xff\"").unwrap();
        assert!(matches!(Scenario::read(&path).unwrap_err(), ScenarioError::Read { .. }), "not UTF-8");
    }

    #[test]
    fn faults_are_read_in_their_text_form() {
        let scenario = Scenario::from_toml(r#"faults = ["storage:half-body*2"]"#).unwrap();
        let rule = scenario.faults.first().unwrap();
        assert_eq!((rule.route, rule.fault), (Route::Storage.into(), Fault::HalfBody));
    }

    #[test]
    fn an_error_shows_no_value_because_the_file_may_be_the_one_with_the_token() {
        let texts = [
            "s3cret",
            "s3cret==",
            "\"s3cret\"",
            "tokens = \"s3cret\"",
            "vmid = \"s3cret\"",
            "token = \" s3cret\"",
            "{\"vmid\": \"s3cret\"}",
            "{\"token\": \"s3cret\\n\"}",
            "{\"s3cret",
            "{\"faults\": \"s3cret\"}",
        ];
        for text in texts {
            for error in [Scenario::from_toml(text).unwrap_err(), Scenario::from_json(text).unwrap_err()] {
                let shown = format!("{error} {} {error:?}", error.source().unwrap());
                assert!(shown.contains("line ") && !shown.contains("s3c"), "{text:?}: {shown}");
            }
        }
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = Scenario::from_toml("vmdi = 7").unwrap_err();
        assert!(matches!(error, ScenarioError::Toml(_)));
        assert!(error.source().unwrap().to_string().contains("vmdi"));
    }
}
