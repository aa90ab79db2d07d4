//! From a checked configuration to what runs: extensions are loaded here, and refused by name where they want more than they
//! are granted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{Captured, FUNCTIONS, LoadError, ThawOn};
use agentapi_host::quiesce::{Coordinator, JournalError, ProgramsError, Settings};
use agentapi_host::{Error, Host};
use agentapi_registry::signature::{SignatureError, verify_beside};

use crate::config::backup::Backup;
use crate::config::extension::Extension;
use crate::config::{Fixed, Live};
use crate::notify::outbox::Receivers;
use crate::notify::{NotInThisBuild, Receiver};
use crate::plan::{Plan, Subject};
use crate::run::host::{BACKUP, BackupWork, ExtensionWork, Work};
use crate::traces;

/// Why what is configured cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The client of the agent cannot be made.
    #[error("the agent's client cannot be made")]
    Agent(#[source] Error),
    /// The file of an extension cannot be read.
    #[error("extension {name}: {} cannot be read", file.display())]
    File {
        /// The extension.
        name: String,
        /// The file.
        file: std::path::PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file has another digest than the configuration says.
    #[error("extension {name}: expected the SHA-256 {expected}, found {found}")]
    Digest {
        /// The extension.
        name: String,
        /// What the configuration says.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The extension is not signed as the configuration says.
    #[error("extension {name} is not trusted")]
    Signature {
        /// The extension.
        name: String,
        /// Why.
        source: SignatureError,
    },
    /// The extension is refused.
    #[error("{name} is refused")]
    Refused {
        /// The extension, or the backup loop.
        name: String,
        /// Why.
        source: LoadError,
    },
    /// The input of the backup loop has no JSON text.
    #[error("the backup loop's input cannot be written")]
    Input(#[source] serde_json::Error),
    /// Somebody is to be told in a way that this build does not have.
    #[error(transparent)]
    Notify(#[from] NotInThisBuild),
    /// Traces are to be sent, which this build does not.
    #[error(transparent)]
    Traces(#[from] traces::NotInThisBuild),
    /// What is to be frozen is wrong.
    #[error("[quiesce]")]
    Programs(#[from] ProgramsError),
    /// The journal of freezes cannot be used.
    #[error("the journal of freezes cannot be used")]
    Journal(#[from] JournalError),
}

/// Loads all that a configuration names; the backup loop freezes if there is something to be frozen. Blocks while extensions are compiled.
///
/// # Errors
///
/// [`BuildError`], for the first thing that is wrong.
pub fn build(host: &Host, live: &Live, has_quiesce: bool) -> Result<(Plan, Work), BuildError> {
    let agent = host.agent(live.agent.clone()).map_err(BuildError::Agent)?;
    let (mut plan, mut extensions) = (Plan::default(), BTreeMap::new());
    let backup = match &live.backup {
        Some(backup) => {
            let work = load_backup(host, backup)?;
            let schedule = (!backup.due.paused).then(|| backup.due.schedule.clone());
            plan.subjects.push(Subject {
                name: BACKUP.into(),
                digest: work.policy.sha256().into(),
                schedule,
                may_freeze: has_quiesce,
                alarm_after: Some(backup.alarm_after),
            });
            Some(work)
        }
        None => None,
    };
    for extension in &live.extensions {
        let work = load_extension(host, extension)?;
        let due = extension.due.as_ref().filter(|due| !due.paused);
        plan.subjects.push(Subject {
            name: extension.name.clone(),
            digest: work.policy.sha256().into(),
            schedule: due.map(|due| due.schedule.clone()),
            may_freeze: may(extension, "quiesce"),
            alarm_after: None,
        });
        extensions.insert(extension.name.clone(), work);
    }
    Ok((plan, Work { agent, backup, extensions }))
}

/// Those who are told of findings.
///
/// # Errors
///
/// [`BuildError::Notify`].
pub fn receivers(live: &Live) -> Result<Receivers, BuildError> {
    let receivers = live.notify.iter().map(Receiver::new).collect::<Result<_, _>>()?;
    Ok(Arc::new(receivers))
}

/// Opens what freezes, and begins to thaw what an earlier process left frozen. None where nothing is to be frozen.
///
/// # Errors
///
/// [`BuildError::Programs`], [`BuildError::Journal`].
pub fn coordinator(fixed: &Fixed) -> Result<Option<Coordinator>, BuildError> {
    let Some(quiesce) = &fixed.quiesce else { return Ok(None) };
    let applications = quiesce.applications()?;
    let settings = Settings { lease: quiesce.lease, ..applications.settings() };
    Ok(Some(Coordinator::open(&fixed.journal, applications, settings)?))
}

fn load_backup(host: &Host, backup: &Backup) -> Result<BackupWork, BuildError> {
    let policy = host.backup_loop().map_err(|source| BuildError::Refused { name: "the backup loop".into(), source })?;
    let captured = match backup.input.thaw_on {
        // Whoever thaws when the backup runs says that the agent takes a snapshot first.
        ThawOn::Running => Captured::WhenRunning,
        _ => Captured::WhenDone,
    };
    Ok(BackupWork {
        policy: policy.captured(captured),
        input: backup.input.input().map_err(BuildError::Input)?,
        give_up_after: Duration::from_secs(backup.input.give_up_after_s),
        accepts_crash_consistent: backup.accepts_crash_consistent,
    })
}

/// Whether an extension could run: its digest, its signature, what it asks for, and whether it can be compiled. Blocks.
///
/// # Errors
///
/// [`BuildError`].
pub fn check_extension(host: &Host, extension: &Extension) -> Result<(), BuildError> {
    load_extension(host, extension).map(drop)
}

fn load_extension(host: &Host, extension: &Extension) -> Result<ExtensionWork, BuildError> {
    let Extension { name, file, sha256, signed_by, grants, limits, input, .. } = extension;
    let unreadable = |source| BuildError::File { name: name.clone(), file: file.clone(), source };
    let wasm = fs::read(file).map_err(unreadable)?;
    // Before it is compiled, and over the bytes that are: the file may be another one by then.
    if !signed_by.is_empty() {
        let untrusted = |source| BuildError::Signature { name: name.clone(), source };
        verify_beside(file, &wasm, signed_by).map_err(untrusted)?;
    }
    let refused = |source| BuildError::Refused { name: format!("extension {name}"), source };
    let policy = host.load_policy_bytes(name, &wasm, grants, limits).map_err(refused)?;
    let found = policy.sha256().to_owned();
    match sha256 {
        Some(expected) if *expected != found => {
            Err(BuildError::Digest { name: name.clone(), expected: expected.clone(), found })
        }
        _ => Ok(ExtensionWork { policy, input: input.clone(), remembers: may(extension, "state"), wall: limits.wall }),
    }
}

/// Whether it may call any function of an interface.
fn may(extension: &Extension, interface: &str) -> bool {
    FUNCTIONS.iter().any(|function| function.interface() == interface && extension.grants.allows(*function))
}
