//! What is forecast: the guest's disks, the host's storage targets and its root file system.

use agentapi_extension::disks::DiskList;
use agentapi_extension::host_metrics::MetricsView;
use agentapi_extension::warn;

/// A place that can be full.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    /// What it is called, for people.
    pub(crate) label: String,
    /// What it is known by from run to run.
    id: String,
    pub(crate) used_bytes: i64,
    pub(crate) total_bytes: i64,
}

/// The kinds of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Disk,
    Storage,
    Root,
}

impl Kind {
    /// What its labels begin with.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Disk => "disk ",
            Self::Storage => "storage ",
            Self::Root => "root of ",
        }
    }

    fn label(self, name: &str) -> String {
        fit(&format!("{}{name}", self.word()), MAX_LABEL_BYTES)
    }
}

impl Place {
    fn new(kind: Kind, name: &str, id: &str, used_bytes: i64, total_bytes: i64) -> Self {
        Self { kind, label: kind.label(name), id: id.into(), used_bytes, total_bytes }
    }

    /// Where its samples are in the state.
    pub(crate) fn state_key(&self) -> String {
        fit(&format!("{STATE_PREFIX}{}{}", self.kind.word(), self.id), MAX_KEY_BYTES)
    }
}

/// The places whose size is known now. A disk that is not mounted says nothing of what is on it, and what is known of a
/// storage target that does not answer may be days old.
pub(crate) fn of(disks: Option<&DiskList>, metrics: Option<&MetricsView>) -> Vec<Place> {
    let mut places = Vec::new();
    for disk in disks.into_iter().flat_map(|list| &list.disks).filter(|disk| !disk.mount_path.is_empty()) {
        let id = if disk.durable_id.is_empty() { &disk.name } else { &disk.durable_id };
        places.push(Place::new(Kind::Disk, &disk.name, id, disk.used_bytes, disk.total_bytes));
    }
    for target in metrics.into_iter().flat_map(|view| &view.storage_targets).filter(|target| target.reachable) {
        places.push(Place::new(Kind::Storage, &target.name, &target.name, target.used_bytes, target.total_bytes));
    }
    if let Some(host) = metrics.map(|view| &view.host) {
        places.push(Place::new(Kind::Root, &host.node, &host.node, host.disk_used_bytes, host.disk_total_bytes));
    }
    places.retain(|place| place.total_bytes > 0);
    let mut distinct: Vec<Place> = Vec::new();
    for place in places {
        // Two of one name would mix their samples.
        if distinct.iter().all(|other| other.state_key() != place.state_key()) {
            distinct.push(place);
        }
    }
    if distinct.len() > MAX_PLACES {
        warn!("{} places: the first {MAX_PLACES} are looked at", distinct.len());
        distinct.truncate(MAX_PLACES);
    }
    distinct
}

/// Whether nothing is known now of the place with this label: what would show it was not answered, or does not answer itself.
pub(crate) fn is_unanswered(label: &str, disks: Option<&DiskList>, metrics: Option<&MetricsView>) -> bool {
    let is_of = |kind: Kind| label.starts_with(kind.word());
    match metrics {
        _ if is_of(Kind::Disk) => disks.is_none(),
        None => true,
        Some(metrics) => {
            let mut targets = metrics.storage_targets.iter();
            targets.any(|target| !target.reachable && Kind::Storage.label(&target.name) == label)
        }
    }
}

/// Names come from the agent: without control characters, and cut off where they are too long for the host.
fn fit(text: &str, max_bytes: usize) -> String {
    let mut fitted: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    fitted.truncate(fitted.floor_char_boundary(max_bytes));
    fitted
}

/// What the keys of samples begin with.
pub(crate) const STATE_PREFIX: &str = "used/";

/// With 4 KiB of samples each, half of what the state holds.
const MAX_PLACES: usize = 128;
/// Room for the rest of a message's key, which has 128 bytes.
const MAX_LABEL_BYTES: usize = 100;
/// What a key of the state may have.
const MAX_KEY_BYTES: usize = 256;
