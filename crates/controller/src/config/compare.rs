//! Whether a configuration can take the place of another while the controller runs.

use super::backup::Quiesce;
use super::traces::Collector;
use super::{Config, Fixed, Mistake};

/// Checks that nothing differs that needs a restart.
///
/// # Errors
///
/// A mistake for each key that does, by its name.
pub fn compare(old: &Config, new: &Config) -> Result<(), Vec<Mistake>> {
    // Taken apart by name, so that a key that is added is decided on here or does not compile.
    let Fixed { guest, quiesce, journal, api, metrics, traces, fleet, audit, state } = &new.fixed;
    let frozen = |quiesce: &Option<Quiesce>| quiesce.as_ref().map(|quiesce| quiesce.applications.clone());
    let of_both = quiesce.as_ref().zip(old.fixed.quiesce.as_ref());
    let url = |collector: &Option<Collector>| collector.as_ref().map(|collector| collector.url.clone());
    let of_both_traces = traces.as_ref().zip(old.fixed.traces.as_ref());
    let of_both_fleets = fleet.as_ref().zip(old.fixed.fleet.as_ref());
    let same = [
        ("guest", *guest == old.fixed.guest),
        ("quiesce.applications", frozen(quiesce) == frozen(&old.fixed.quiesce)),
        // Of what is not frozen, neither differs.
        ("quiesce.program_timeout", of_both.is_none_or(|(new, old)| new.program_timeout == old.program_timeout)),
        ("backup.lease", of_both.is_none_or(|(new, old)| new.lease == old.lease)),
        ("quiesce.journal", *journal == old.fixed.journal),
        ("api.socket", api.socket == old.fixed.api.socket),
        ("api.socket_ro", api.socket_ro == old.fixed.api.socket_ro),
        ("api.group", api.group == old.fixed.api.group),
        ("api.approvers", api.approvers == old.fixed.api.approvers),
        ("api.console_hosts", api.console_hosts == old.fixed.api.console_hosts),
        ("metrics.listen", *metrics == old.fixed.metrics),
        ("traces.url", url(traces) == url(&old.fixed.traces)),
        ("traces.token_file", of_both_traces.is_none_or(|(new, old)| new.token_file == old.token_file)),
        ("fleet.server", of_both_fleets.is_none_or(|(new, old)| new.server == old.server)),
        ("fleet.fingerprints", of_both_fleets.is_none_or(|(new, old)| new.pins == old.pins)),
        ("fleet.key_file", of_both_fleets.is_none_or(|(new, old)| new.key_file == old.key_file)),
        ("fleet.host", of_both_fleets.is_none_or(|(new, old)| new.host == old.host)),
        ("fleet.allowed_signers", of_both_fleets.is_none_or(|(new, old)| new.allowed_signers == old.allowed_signers)),
        ("fleet.ring", of_both_fleets.is_none_or(|(new, old)| new.ring == old.ring)),
        ("fleet.extensions", of_both_fleets.is_none_or(|(new, old)| new.extensions == old.extensions)),
        ("fleet.slots", of_both_fleets.is_none_or(|(new, old)| new.slots == old.slots)),
        ("fleet.without_bus", of_both_fleets.is_none_or(|(new, old)| new.runs_without_bus == old.runs_without_bus)),
        ("fleet.longest_wait", of_both_fleets.is_none_or(|(new, old)| new.longest_wait == old.longest_wait)),
        (
            "fleet.coordinator_key_file",
            of_both_fleets.is_none_or(|(new, old)| new.coordinator_key_file == old.coordinator_key_file),
        ),
        ("fleet", fleet.is_some() == old.fixed.fleet.is_some()),
        ("audit.file", *audit == old.fixed.audit),
        ("state.folder", *state == old.fixed.state),
    ];
    let changed: Vec<_> = same.into_iter().filter(|(_, is_same)| !is_same).map(|(key, _)| key).collect();
    // The journal and the audit lie in the state's folder by default, and move with it: one mistake is enough.
    let moves_with_state = |key: &str| !new.places.contains_key(key) && !old.places.contains_key(key);
    let named = changed.iter().filter(|key| !changed.contains(&"state.folder") || !moves_with_state(key));
    let mistakes: Vec<_> = named.map(|key| mistake(new, key)).collect();
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn mistake(new: &Config, key: &str) -> Mistake {
    let text = "it needs a restart to change, found another value than the one in use".to_owned();
    Mistake { file: new.file.clone(), place: new.places.get(key).copied(), key: key.to_owned(), text }
}
