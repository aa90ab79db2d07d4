//! What is different at the agent from one run on.

use agentapi_mock::{BackupOutcome, Scenario, State};
use toml::{Table, Value};

/// A part of a scenario that takes the place of what the agent knows.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The keys that the case names. Only these are changed: an eject in the run before must last.
    changed: Table,
    /// Everything, with these.
    scenario: Scenario,
}

impl Change {
    /// The error is what cannot change.
    pub(crate) fn new(changed: &Table, scenario: Scenario) -> Result<Self, String> {
        const CHANGEABLE: [&str; 6] = ["backup", "mounts", "disks", "dependent_guests", "host", "storage_targets"];
        match changed.keys().find(|key| !CHANGEABLE.contains(&key.as_str())) {
            Some(key) => {
                let changeable = CHANGEABLE.join("`, `");
                Err(format!("scenario: `{key}` does not change from run to run, expected one of `{changeable}`"))
            }
            None => Ok(Self { changed: changed.clone(), scenario }),
        }
    }

    pub(crate) fn apply(&self, state: &mut State) {
        let scenario = self.scenario.clone();
        for (key, value) in &self.changed {
            match (key.as_str(), value) {
                ("backup", Value::Table(keys)) => self.apply_to_backup(keys, state),
                ("mounts", _) => state.mounts.clone_from(&scenario.mounts),
                ("disks", _) => state.disks.clone_from(&scenario.disks),
                ("dependent_guests", _) => state.dependent_guests.clone_from(&scenario.dependent_guests),
                ("host", _) => state.host.clone_from(&scenario.host),
                ("storage_targets", _) => state.storage_targets.clone_from(&scenario.storage_targets),
                _ => {}
            }
        }
    }

    fn apply_to_backup(&self, keys: &Table, state: &mut State) {
        let backup = &self.scenario.backup;
        if keys.contains_key("due") || keys.contains_key("reason") {
            match backup.due {
                true => state.backup.make_due(&*backup.reason),
                false => state.backup.clear_due(&*backup.reason),
            }
        }
        if keys.contains_key("duration_ms") {
            state.backup.set_duration(backup.duration());
        }
        if keys.contains_key("failure") {
            state.backup.set_outcome(match &*backup.failure {
                "" => BackupOutcome::Done,
                error => BackupOutcome::Failed(error.into()),
            });
        }
        if keys.contains_key("latest") {
            state.backup.set_latest(backup.latest);
        }
    }
}
