//! What there is to know of a guest: sent when it changes, and when it was not for a while.

use std::cmp::Reverse;
use std::sync::Arc;

use agentapi_controller::approval::Approval;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::Severity;
use agentapi_controller::finding::Finding;
use agentapi_controller::owner::Activity;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::guest::Tried;
use crate::want::Whose;

/// What a guest says of itself. What a newer guest says besides is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The controller's version.
    pub version: String,
    /// What it is in its fleet.
    #[serde(flatten)]
    pub place: PlaceView,
    /// The backup loop and the extensions.
    pub subjects: Vec<SubjectView>,
    /// What holds, the worst first; at most [`MAX_FINDINGS`].
    pub findings: Vec<FindingView>,
    /// What waits for a person, the oldest first, with all that they decide on.
    pub approvals: Vec<serde_json::Value>,
    /// How full its disks are, and what else was measured last.
    pub samples: Vec<SampleView>,
}

/// What a guest is in its fleet, and what it has taken of its wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceView {
    /// The host that it is on, as its configuration says.
    pub host: String,
    /// Its ring.
    #[serde(default)]
    pub ring: u8,
    /// The group of guests of which only so many back up at once.
    #[serde(default)]
    pub slots: String,
    /// The wishes that are in force there.
    #[serde(default)]
    pub seen: Seen,
    /// The extensions that the fleet may change there.
    #[serde(default)]
    pub may_change: Vec<String>,
    /// What became of each extension that was wished.
    #[serde(default)]
    pub extensions: Vec<Tried>,
}

impl PlaceView {
    /// The number of the wish that is in force there.
    pub fn seen_of(&self, whose: &Whose) -> u64 {
        match whose {
            Whose::Guest(_) => self.seen.own,
            Whose::Ring(_) => self.seen.ring,
        }
    }
}

/// The numbers of the wishes that are in force on a guest; 0 for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its own.
    pub own: u64,
    /// Its ring's.
    pub ring: u64,
}

/// Something that runs on a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectView {
    /// `backup`, or an extension's name.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub digest: String,
    /// `idle`, `waiting` or `running`.
    pub activity: String,
    /// Whether its schedule is paused.
    pub is_paused: bool,
    /// When it is due next.
    pub next_due: Option<Timestamp>,
    /// When its latest run began.
    pub last_start: Option<Timestamp>,
    /// When its latest run that was done ended.
    pub last_success: Option<Timestamp>,
}

/// A condition that holds on a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// Which condition.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Since when.
    pub since: Timestamp,
    /// One sentence. It may hold texts of an agent or of an extension.
    pub text: String,
}

/// A number that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleView {
    /// What was measured.
    pub measure: String,
    /// Of what.
    pub of: String,
    /// In the measure's unit, to a tenth, so that not each minute is another inventory.
    pub value: f64,
}

impl Inventory {
    /// As it is now. Waits for nothing.
    pub fn of(companion: &Companion, place: &PlaceView) -> Self {
        let plan = Arc::clone(&companion.plan.borrow());
        let status = companion.status.get();
        let subjects = status.subjects.iter().map(|subject| SubjectView {
            name: subject.name.clone(),
            digest: plan.subject(&subject.name).map(|planned| planned.digest.clone()).unwrap_or_default(),
            activity: match subject.activity {
                Activity::Idle => "idle",
                Activity::Waiting { .. } => "waiting",
                Activity::Running { .. } => "running",
            }
            .to_owned(),
            is_paused: subject.is_paused,
            next_due: subject.next_due,
            last_start: subject.last_start,
            last_success: subject.last_success,
        });
        let mut findings: Vec<_> = companion.findings.borrow().iter().map(FindingView::from).collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        findings.truncate(MAX_FINDINGS);
        let approvals = companion
            .approvals
            .borrow()
            .iter()
            .filter_map(|waiting: &Approval| serde_json::to_value(waiting).ok())
            .collect();
        let latest = Arc::clone(&companion.latest.borrow());
        let samples = latest.iter().map(|sample| SampleView {
            measure: sample.measure.name().to_owned(),
            of: sample.of.clone(),
            value: (sample.value * 10.0).round() / 10.0,
        });
        let samples = samples.take(MAX_SAMPLES).collect();
        let (version, place) = (env!("CARGO_PKG_VERSION").to_owned(), place.clone());
        Self { version, place, subjects: subjects.collect(), findings, approvals, samples }
    }

    /// Changes when anything in it does.
    pub fn digest(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(bytes).get(..DIGEST_BYTES).unwrap_or_default())
    }

    /// The subject with this name.
    pub fn subject(&self, name: &str) -> Option<&SubjectView> {
        self.subjects.iter().find(|subject| subject.name == name)
    }
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.to_string(),
            subject: finding.subject.clone(),
            severity: finding.severity,
            since: finding.since,
            text: finding.text.chars().take(MAX_TEXT_CHARS).collect(),
        }
    }
}

/// More than a person reads of one guest.
pub const MAX_FINDINGS: usize = 20;
const MAX_SAMPLES: usize = 100;
const MAX_TEXT_CHARS: usize = 500;
/// Enough to tell one inventory of a guest from the one before.
const DIGEST_BYTES: usize = 8;
