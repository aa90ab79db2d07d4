//! USB rotation: after a good backup the disk that holds it is ejected, the next one is mounted in its place, and somebody is
//! told which disk to take away and which to plug in.
//!
//! - A disk is ejected only if it is one of the input's, by the UUID of its file system, the only one with this UUID, a backup
//!   disk for the agent, and mounted at the path of the input.
//! - Never while a backup runs: the status is asked for directly before each eject.
//! - Once for each backup. A swap is remembered before it is begun, and each run goes on where an earlier one has stopped.

mod settings;
mod step;

use agentapi_extension::disks::{self, AssignRequest};
use agentapi_extension::notify::{self, Notification, Severity};
use agentapi_extension::{Extension, Failure, backup, info, state, warn};
use serde::Serialize;

use settings::Settings;
use step::{Doubt, Memory, Outcome, Rotation, Step};

/// The extension.
pub struct UsbRotation;

impl Extension for UsbRotation {
    type Input = Settings;
    type Output = Report;

    fn run(settings: Settings) -> Result<Report, Failure> {
        settings.check()?;
        let mut memory: Memory = state::get(MEMORY)?.unwrap_or_default();
        let mut is_assigned = false;
        for _ in 0..MAX_STEPS {
            // The list first: the status is the last thing that is known before a disk is ejected.
            let disks = disks::list()?.disks;
            let step = match step::next(&memory, &backup::status()?, &disks, &settings)? {
                // The agent may accept it and mount later. Should that fail, the next run assigns it again.
                Step::Assign(_) if is_assigned => Step::Rest(Outcome::NotYetMounted),
                step => step,
            };
            is_assigned |= matches!(step, Step::Assign(_));
            if let Some(report) = take(step, &mut memory, &settings)? {
                return Ok(report);
            }
        }
        Err(Failure::new("no-end", format!("not done after {MAX_STEPS} steps: the disks change meanwhile")))
    }
}

agentapi_extension::export!(UsbRotation);

/// Takes a step. Returns the report, if it was the last one.
fn take(step: Step, memory: &mut Memory, settings: &Settings) -> Result<Option<Report>, Failure> {
    match step {
        Step::Rest(outcome) => return Ok(Some(Report::of(outcome, memory.begun.as_ref(), settings))),
        Step::Eject(rotation) => {
            remember(memory, Memory { begun: Some(rotation.clone()), ..memory.clone() })?;
            let dependent = disks::eject(&settings.mount_path)?.dependent_guests;
            info!("ejected {}", label(&rotation.from, settings));
            if !dependent.is_empty() {
                warn!("other guests used it: {dependent:?}");
            }
            remember(memory, Memory { begun: Some(Rotation { ejected: true, ..rotation }), ..memory.clone() })?;
        }
        Step::Assign(rotation) => {
            disks::assign(&AssignRequest {
                uuid: rotation.to.clone(),
                mount_path: settings.mount_path.clone(),
                fstype: settings.fstype.clone(),
                options: settings.options.clone(),
            })?;
            info!("mounted {} at {}", label(&rotation.to, settings), settings.mount_path);
        }
        Step::AwaitDisk(rotation) => {
            let rotation = Rotation { waited: true, ..rotation };
            remember(memory, Memory { begun: Some(rotation.clone()), ..memory.clone() })?;
            notify::send(&message(&rotation, settings))?;
            return Ok(Some(Report::of(Outcome::WaitsForDisk, Some(&rotation), settings)));
        }
        Step::Finish(rotation) => {
            if rotation.waited {
                // Whoever plugged the one in has taken out the other.
                notify::clear(SWAP)?;
            } else {
                notify::send(&message(&rotation, settings))?;
            }
            remember(memory, Memory { rotated_after: Some(rotation.job.clone()), begun: None })?;
            return Ok(Some(Report::of(Outcome::Rotated, Some(&rotation), settings)));
        }
        Step::Drop(rotation) => {
            warn!("somebody has swapped otherwise than was begun: left as it is");
            notify::clear(SWAP)?;
            remember(memory, Memory { rotated_after: Some(rotation.job), begun: None })?;
        }
    }
    Ok(None)
}

fn remember(memory: &mut Memory, new: Memory) -> Result<(), Failure> {
    if *memory != new {
        state::set(MEMORY, &new)?;
        *memory = new;
    }
    Ok(())
}

/// Who must swap what.
fn message(rotation: &Rotation, settings: &Settings) -> Notification {
    let (from, to) = (label(&rotation.from, settings), label(&rotation.to, settings));
    let (severity, title) = if rotation.waited {
        (Severity::Warning, format!("Take out backup disk {from} and plug in {to}"))
    } else {
        (Severity::Info, format!("Take out backup disk {from}: {to} is in its place"))
    };
    let title = match settings.who.as_str() {
        "" => title,
        who => format!("{who}: {title}"),
    };
    let text = format!("{from} holds backup {} and is unmounted.", rotation.job);
    Notification::new(SWAP, severity, title).text(text).fitted()
}

fn label<'a>(uuid: &'a str, settings: &'a Settings) -> &'a str {
    settings.disk(uuid).map_or(uuid, |disk| &disk.label)
}

/// The result of a run.
#[derive(Debug, PartialEq, Serialize)]
pub struct Report {
    outcome: Outcome,
    /// The label of the disk that went.
    #[serde(skip_serializing_if = "Option::is_none")]
    ejected: Option<String>,
    /// The label of the disk that came, or has to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// The backup after which they were swapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<String>,
}

impl Report {
    fn of(outcome: Outcome, rotation: Option<&Rotation>, settings: &Settings) -> Self {
        let ejected = rotation.map(|rotation| label(&rotation.from, settings).into());
        let next = rotation.map(|rotation| label(&rotation.to, settings).into());
        Self { outcome, ejected, next, job_id: rotation.map(|rotation| rotation.job.clone()) }
    }
}

impl From<Doubt> for Failure {
    fn from(Doubt(why): Doubt) -> Self {
        Self::new("wrong-disk", why)
    }
}

/// The key of the state.
const MEMORY: &str = "rotation";
/// The key of the message.
const SWAP: &str = "swap-disks";
/// Drop, eject, assign, finish, and one for a disk that is plugged in meanwhile.
const MAX_STEPS: usize = 5;

#[cfg(test)]
mod tests;
