//! The backup loop: is a backup due? Freeze the applications, start it, follow it to its end, thaw, report.
//!
//! - At most one backup is started. Where the answer to the start was lost, the status says what became of it.
//! - Whatever comes in between, the applications are thawed: here where it can be said, by the host where it cannot.
//! - The report says what the backup is worth: `application`, or `crash` with the reason.

mod applications;
mod bindings;
mod failure;
mod report;
mod settings;

use std::thread::sleep;
use std::time::Instant;

use applications::Applications;
use bindings::exports::felhom::agentapi::policy::Guest;
use bindings::felhom::agentapi::backup;
use bindings::felhom::agentapi::types::{BackupPhase, BackupStatus, Error};
use failure::Failure;
use report::{Outcome, Report};
use settings::{Settings, ThawOn};

/// The extension.
pub struct BackupLoop;

impl Guest for BackupLoop {
    fn run(input: String) -> Result<String, String> {
        let settings = Settings::read(&input)?;
        let report = back_up(&settings).unwrap_or_else(|ended_early| ended_early);
        serde_json::to_string(&report).map_err(|why| why.to_string())
    }
}

/// The whole loop. What ends it early is a report like any other.
fn back_up(settings: &Settings) -> Result<Report, Report> {
    let not_started = |call, error| Report::new(Outcome::NotStarted).because(Failure::new(call, &error));
    let before = backup::status().map_err(|error| not_started("backup.status", error))?;
    if matches!(before.phase, BackupPhase::Running) {
        return Err(Report::new(Outcome::AlreadyRunning).of_job(&before.job_id));
    }
    if !settings.even_if_not_due {
        let due = backup::due().map_err(|error| not_started("backup.due", error))?;
        if !due.due {
            return Err(Report::new(Outcome::NotDue).reason(due.reason));
        }
        println!("a backup is due: {}", due.reason);
    }

    let mut applications = Applications::freeze(settings)?;
    let report = match start(&before, settings) {
        Ok(job) => follow(&job, &mut applications, settings),
        Err(report) => report,
    };
    applications.thaw();
    Ok(report.worth(applications))
}

/// Starts the backup, once, and gives its name. An answer that was lost is found again in the status.
fn start(before: &BackupStatus, settings: &Settings) -> Result<String, Report> {
    let error = match backup::start() {
        Ok(job) => {
            println!("backup {} started", job.job_id);
            return Ok(job.job_id);
        }
        Err(error) => error,
    };
    let failure = Failure::new("backup.start", &error);
    if !may_have_acted(&error) {
        return Err(Report::new(Outcome::NotStarted).because(failure));
    }
    println!("the answer to the start was lost ({}): asking for the status", failure.kind);
    for _ in 0..LOOKS_AFTER_A_LOST_START {
        match backup::status() {
            Ok(now) if matches!(now.phase, BackupPhase::Running) || now.job_id != before.job_id => {
                println!("backup {} was started", now.job_id);
                return Ok(now.job_id);
            }
            Ok(_) | Err(_) => sleep(settings.poll()),
        }
    }
    Err(Report::new(Outcome::NotStarted).because(failure))
}

/// Whether a start with this error may have started a backup.
fn may_have_acted(error: &Error) -> bool {
    match error {
        Error::NotConnected
        | Error::InvalidArgument(_)
        | Error::Denied(_)
        | Error::PinMismatch
        | Error::Unreachable(_)
        | Error::Agent(_) => false,
        // The agent refuses before it acts; what fails within it, may have begun.
        Error::HttpStatus(status) => *status >= 500,
        Error::Tls(_)
        | Error::Interrupted(_)
        | Error::Deadline(_)
        | Error::ResponseTooLarge(_)
        | Error::BadEnvelope(_)
        | Error::Decode(_) => true,
    }
}

/// Asks for the status until the job has ended.
fn follow(job: &str, applications: &mut Applications, settings: &Settings) -> Report {
    let begun = Instant::now();
    let mut phase = String::new();
    let mut failures = 0;
    loop {
        match backup::status() {
            Ok(status) => {
                failures = 0;
                if let Some(report) = end(job, &status) {
                    return report;
                }
                say_new_phase(job, &mut phase, &status.phase);
                if settings.thaw_on == ThawOn::Running && matches!(status.phase, BackupPhase::Running) {
                    applications.thaw();
                }
            }
            Err(error) => {
                failures += 1;
                let failure = Failure::new("backup.status", &error);
                println!("backup {job}: no status ({})", failure.kind);
                if failures == FAILED_LOOKS_IN_A_ROW {
                    return Report::new(Outcome::Lost).of_job(job).because(failure);
                }
            }
        }
        if begun.elapsed() >= settings.give_up_after() {
            let reason = format!("not done after {} s", settings.give_up_after_s);
            return Report::new(Outcome::StillRunning).of_job(job).reason(reason);
        }
        sleep(settings.poll());
    }
}

/// The report, if this status is the end of the job.
fn end(job: &str, status: &BackupStatus) -> Option<Report> {
    let report = |outcome, reason| Some(Report::new(outcome).of_job(job).reason(reason));
    if status.job_id != job {
        return report(Outcome::Lost, format!("the agent now speaks of backup {:?}", status.job_id));
    }
    match &status.phase {
        BackupPhase::Done => report(Outcome::Done, String::new()),
        BackupPhase::Failed => report(Outcome::Failed, status.error.clone()),
        BackupPhase::Idle => report(Outcome::Lost, "the agent has forgotten it".into()),
        BackupPhase::Running | BackupPhase::Other(_) => None,
    }
}

fn say_new_phase(job: &str, said: &mut String, phase: &BackupPhase) {
    let phase = match phase {
        BackupPhase::Other(text) => text,
        _ => "running",
    };
    if phase != said {
        println!("backup {job}: {phase}");
        phase.clone_into(said);
    }
}

/// How often the status is asked for a backup whose start was not answered: it may take a moment to begin.
const LOOKS_AFTER_A_LOST_START: u32 = 5;
/// So many failures in a row, and the job is out of sight.
const FAILED_LOOKS_IN_A_ROW: u32 = 5;
