//! What a line of the audit says.

use std::fmt;

use agentapi_quiesce::Consistency;
use serde::{Serialize, Serializer};

use crate::policy::audit::target::AuditTarget;

/// One line of the audit.
///
/// Each operation of an extension, and the run as a whole, has two lines with the same `run` and `id`:
///
/// | `event` | written | says |
/// | --- | --- | --- |
/// | `begin` | before anything is sent | what is asked for |
/// | `decided` | for a wipe, before anything is sent | that the approver was asked, and its answer |
/// | `end` | when the outcome is known, or the operation is dropped | what came of it |
/// | `repeated` | when the answer changes, before the next operation that acts, and before the run's end | how often the same answer came again |
///
/// A `begin` without an `end` is left by a process that was killed: what the operation asked for may have been done. A
/// wipe that was killed without `decided` was not sent. A poll whose answer is that of the poll before has no lines of
/// its own: it is counted, and its id is left out. A crash loses such a count, and the `begin` of a poll of a function
/// that was polled before. It loses no line of what acts, but those that an [`AuditFile`](super::AuditFile) keeps in
/// memory during a freeze.
///
/// | field | in | value |
/// | --- | --- | --- |
/// | `at_unix_ms` | all | when it happened, in milliseconds since 1970, by the wall clock |
/// | `extension`, `extension_sha256` | all | name, and SHA-256 of the bytes in hex |
/// | `run` | all | names the run; no other run has it |
/// | `id` | all | number of the operation within the run, in the order of their begins; 0 is the run itself |
/// | `operation` | all | the function, such as `backup.due`; `run` for the run itself |
/// | `target` | all | `device`, `durable_id`, `uuid`, `mount_path`, `fstype`, as far as the request has them; left out where it has none |
/// | `approval` | `decided`, `end` | `approved`, `refused`, or `unanswered` where the run ended first; left out where nobody was asked |
/// | `by` | `decided`, `end` | who decided, if the approver says so |
/// | `outcome` | `end` | `ok`, `abandoned`, or the kind of the error; of a run `ok`, `failed`, `trapped`, `stopped` or `abandoned` |
/// | `reason` | `end` | of an error, what the agent, the rule or the limit says |
/// | `guest` | `end` | the guest's number that the answer named; of a run the latest |
/// | `backup` | `end` | `job_id`, `phase`, and the agent's `reason`: of an answer, what it says; of a run, how far the backup that it started was when last seen. Empty where a start was sent whose answer nobody saw |
/// | `consistency`, `consistency_reason` | `end` | of a thaw, and of a run that started a backup: `application`, `crash` or `unknown`, by the host's own rule |
/// | `milliseconds` | `end` | from begin to end, by a clock that nobody sets |
/// | `times`, `last_unix_ms` | `repeated` | how often the same answer came after the one of this `id`, and when it last did |
///
/// Texts of agent and extension are masked, cut after 256 characters, and then made visible: a character that a person
/// cannot see is written as Rust writes it, such as `\u{200b}`, so that a text may become longer than that. No line holds
/// the token, and none the agent's address.
///
/// ```json
/// {"at_unix_ms":1764183600000,"extension":"nightly","extension_sha256":"9f86…","run":"019ac0d2e680-5feceb66ffc86f38","id":3,"operation":"disks.format","target":{"device":"/dev/sdc1","durable_id":"uuid:0f3c","fstype":"ext4"},"event":"begin"}
/// {"at_unix_ms":1764183604000,"extension":"nightly","extension_sha256":"9f86…","run":"019ac0d2e680-5feceb66ffc86f38","id":3,"operation":"disks.format","target":{"device":"/dev/sdc1","durable_id":"uuid:0f3c","fstype":"ext4"},"event":"decided","approval":"approved","by":"alice"}
/// {"at_unix_ms":1764183605000,"extension":"nightly","extension_sha256":"9f86…","run":"019ac0d2e680-5feceb66ffc86f38","id":3,"operation":"disks.format","target":{"device":"/dev/sdc1","durable_id":"uuid:0f3c","fstype":"ext4"},"event":"end","outcome":"ok","approval":"approved","by":"alice","guest":101,"milliseconds":5000}
/// ```
///
/// A test of an [`Audit`](super::Audit) starts from the default and sets what matters to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// When it happened, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// The extension's name.
    pub extension: String,
    /// The SHA-256 of the extension's bytes, in hex.
    pub extension_sha256: String,
    /// Names the run. Begins with the time of its begin, so that runs sort.
    pub run: String,
    /// The operation's number within the run, in the order of their begins. 0 is the run itself.
    pub id: u64,
    /// The function, such as `backup.due`; `run` for the run as a whole.
    pub operation: String,
    /// What the request names.
    #[serde(skip_serializing_if = "AuditTarget::is_empty")]
    pub target: AuditTarget,
    /// What happened to the operation.
    #[serde(flatten)]
    pub event: AuditEvent,
}

/// What happened to an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditEvent {
    /// It was asked for. Nothing has been sent yet.
    #[default]
    Begin,
    /// The approver has answered whether a disk may be wiped. Nothing has been sent yet.
    Decided(AuditApproval),
    /// It has ended, or was dropped.
    End(AuditEnd),
    /// The same answer came again.
    Repeated {
        /// How often, after the one whose lines have this id.
        times: u64,
        /// When it last came, in milliseconds since 1970.
        last_unix_ms: u64,
    },
}

/// The outcome of an operation or a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEnd {
    /// What came of it.
    pub outcome: AuditOutcome,
    /// Of an error, what the agent, the rule or the limit says. An error that is its kind alone has none; the log has
    /// its cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether a person approved. None where nobody had to be asked.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub approval: Option<AuditApproval>,
    /// The guest's number in Proxmox, as the answer named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest: Option<i64>,
    /// The backup that the answer speaks of, or that the run started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backup: Option<AuditBackup>,
    /// What that backup is worth: of a thaw and of a run.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<AuditConsistency>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// What came of an operation or a run. As JSON a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditOutcome {
    /// It worked.
    Ok,
    /// Nobody waits for it any more: a limit, a signal, a trap or the end of the host came first. Whether it was done is
    /// not known, unless [`AuditEnd::approval`] says that nothing was sent. The safe one to start from.
    #[default]
    Abandoned,
    /// It failed with this kind of error, such as `denied`, or of a run `failed`, `trapped` or `stopped`.
    Failed(&'static str),
}

/// What became of the question whether a disk may be wiped. As JSON `approval` and `by`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "approval", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditApproval {
    /// The run ended before there was an answer, so nothing was sent.
    Unanswered,
    /// The approver said yes.
    Approved {
        /// Who decided, if the approver says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The approver said no, so nothing was sent.
    Refused {
        /// Who decided, if the approver says so.
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

/// A backup, as the answers of the agent show it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditBackup {
    /// The job's name. None where a start was sent whose answer nobody saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The phase when the agent was last asked, in its own words: `running`, `done`, `failed` or another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Why it failed, in the agent's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a backup is worth, by the host's own rule. As JSON `consistency` and `consistency_reason`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "consistency", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum AuditConsistency {
    /// The applications stood still while it was taken.
    Application,
    /// They ran, or may have: it holds what a power cut would have left.
    Crash {
        /// Why.
        #[serde(rename = "consistency_reason")]
        reason: String,
    },
    /// The freeze had not ended when this was written, and how it ends decides.
    Unknown {
        /// Why.
        #[serde(rename = "consistency_reason")]
        reason: String,
    },
}

impl AuditOutcome {
    /// Its name, as in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Abandoned => "abandoned",
            Self::Failed(kind) => kind,
        }
    }
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AuditOutcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl From<Consistency> for AuditConsistency {
    fn from(consistency: Consistency) -> Self {
        match consistency {
            Consistency::Application => Self::Application,
            Consistency::Crash { reason } => Self::Crash { reason },
        }
    }
}

impl AuditEntry {
    /// Changes every text that may come from an agent or an extension. Exhaustive, so that no new one is forgotten.
    pub(super) fn map_texts(&mut self, map: impl Fn(&mut String)) {
        let Self { at_unix_ms: _, extension: _, extension_sha256: _, run: _, id: _, operation: _, target, event } =
            self;
        let AuditTarget { device, durable_id, uuid, mount_path, fstype, key } = target;
        [device, durable_id, uuid, mount_path, fstype, key].into_iter().flatten().for_each(&map);
        match event {
            AuditEvent::Begin | AuditEvent::Repeated { times: _, last_unix_ms: _ } => {}
            AuditEvent::Decided(approval) => approval.by_mut().into_iter().for_each(map),
            AuditEvent::End(end) => {
                let AuditEnd { outcome: _, reason, approval, guest: _, backup, consistency, milliseconds: _ } = end;
                reason.iter_mut().for_each(&map);
                approval.iter_mut().filter_map(AuditApproval::by_mut).for_each(&map);
                if let Some(AuditBackup { job_id, phase, reason }) = backup {
                    [job_id, phase, reason].into_iter().flatten().for_each(&map);
                }
                match consistency {
                    Some(AuditConsistency::Crash { reason } | AuditConsistency::Unknown { reason }) => map(reason),
                    Some(AuditConsistency::Application) | None => {}
                }
            }
        }
    }
}

impl AuditApproval {
    fn by_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Unanswered => None,
            Self::Approved { by } | Self::Refused { by } => by.as_mut(),
        }
    }
}
