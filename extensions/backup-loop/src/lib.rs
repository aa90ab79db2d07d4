//! The backup loop: ask whether a backup is due, freeze the applications, start it, follow it to its end, thaw, report.
//!
//! - At most one backup is started. If the answer to the start is lost, the status tells whether one was; where it does not,
//!   nobody knows, and the report says so.
//! - The applications are always thawed: here on every path that returns, and by the host if this extension traps or is
//!   stopped, because a freeze is a lease that ends with the run.
//! - The report says what the backup is worth: `application`, or `crash` with the reason.

mod applications;
mod pauses;
mod report;
mod settings;

use agentapi_extension::backup::{self, BackupPhase, BackupStatus};
use agentapi_extension::clock::{monotonic, sleep};
use agentapi_extension::{Case, Extension, Failure, info};

use applications::Applications;
use pauses::Pauses;
use report::{Outcome, Report};
use settings::{Settings, ThawOn};

/// The extension.
pub struct BackupLoop;

impl Extension for BackupLoop {
    type Input = Settings;
    type Output = Report;

    fn run(settings: Settings) -> Result<Report, Failure> {
        Ok(back_up(&settings).unwrap_or_else(|ended_early| ended_early))
    }
}

agentapi_extension::export!(BackupLoop);

/// The whole loop. `Err` is a report like any other, of a run that ended before anything was frozen.
fn back_up(settings: &Settings) -> Result<Report, Report> {
    let not_started = |error| Report::new(Outcome::NotStarted).caused_by(error);
    // The status before the start is what a later one is compared with, should the answer to the start be lost.
    let before = backup::status().map_err(not_started)?;
    if matches!(before.phase, BackupPhase::Running) {
        return Err(Report::new(Outcome::AlreadyRunning).for_job(&before.job_id));
    }
    if !settings.even_if_not_due {
        let due = backup::due().map_err(not_started)?;
        if !due.due {
            return Err(Report::new(Outcome::NotDue).with_reason(due.reason));
        }
        info!("a backup is due: {}", due.reason);
    }

    let mut applications = Applications::freeze(settings)?;
    // From here on no `?`: every path has to come to the thaw.
    let report = match start(&before, settings) {
        Ok(job) => follow(&job, &mut applications, settings),
        Err(report) => report,
    };
    applications.thaw();
    Ok(report.with_consistency(applications.consistency()))
}

/// Starts the backup once, and returns the job's name. If the answer is lost, the name is taken from the status. That a
/// status shows no backup proves nothing: the agent may be about to begin one.
fn start(before: &BackupStatus, settings: &Settings) -> Result<String, Report> {
    let error = match backup::start() {
        Ok(job) => {
            info!("backup {} started", job.job_id);
            return Ok(job.job_id);
        }
        Err(error) => error,
    };
    if !error.may_have_acted() {
        return Err(Report::new(Outcome::NotStarted).caused_by(error));
    }
    // Never start again here: if the first start was received, a second one could be a second backup.
    info!("the answer to the start was lost ({}): asking for the status", error.error.kind());
    let pauses = Pauses::new(settings.poll());
    loop {
        match backup::status() {
            Ok(now) if matches!(now.phase, BackupPhase::Running) || now.job_id != before.job_id => {
                info!("backup {} was started", now.job_id);
                return Ok(now.job_id);
            }
            Ok(_) | Err(_) if pauses.elapsed() < settings.patience() => sleep(pauses.next()),
            Ok(_) | Err(_) => return Err(Report::new(Outcome::Unknown).caused_by(error)),
        }
    }
}

/// Asks for the status until the job has ended, is lost, or has taken too long.
fn follow(job: &str, applications: &mut Applications, settings: &Settings) -> Report {
    let pauses = Pauses::new(settings.poll());
    let mut progress = Progress::new(job);
    let mut failing_since = None;
    loop {
        match backup::status() {
            Ok(status) => {
                failing_since = None;
                if let Some(report) = final_report(job, &status) {
                    return report;
                }
                progress.print_phase(&status.phase);
                if settings.thaw_on == ThawOn::Running && matches!(status.phase, BackupPhase::Running) {
                    applications.thaw();
                }
            }
            Err(error) => {
                // A failure says nothing of the backup: agents restart, and a busy host answers late.
                progress.print_failure(error.error.kind());
                let since = *failing_since.get_or_insert_with(monotonic);
                if monotonic().saturating_sub(since) >= settings.patience() {
                    return Report::new(Outcome::Lost).for_job(job).caused_by(error);
                }
            }
        }
        if pauses.elapsed() >= settings.give_up_after() {
            let reason = format!("not done after {} s", settings.give_up_after_s);
            return Report::new(Outcome::StillRunning).for_job(job).with_reason(reason);
        }
        sleep(pauses.next());
    }
}

/// The report, if the job has ended with this status; none if it goes on.
fn final_report(job: &str, status: &BackupStatus) -> Option<Report> {
    let report = |outcome, reason| Some(Report::new(outcome).for_job(job).with_reason(reason));
    if status.job_id != job {
        return report(Outcome::Lost, format!("the agent now speaks of backup {:?}", status.job_id));
    }
    match &status.phase {
        BackupPhase::Done => report(Outcome::Done, String::new()),
        BackupPhase::Failed => report(Outcome::Failed, status.error.clone()),
        BackupPhase::Idle => report(Outcome::Lost, "the agent has forgotten it".into()),
        // A phase that is not known is taken for progress: `give_up_after_s` ends the run all the same.
        BackupPhase::Running | BackupPhase::Other(_) => None,
    }
}

/// What is printed while a job is followed: a line for each change, and none for a request that tells nothing new.
struct Progress<'a> {
    job: &'a str,
    printed: String,
}

impl<'a> Progress<'a> {
    fn new(job: &'a str) -> Self {
        Self { job, printed: String::new() }
    }

    fn print_phase(&mut self, phase: &BackupPhase) {
        let phase = match phase {
            BackupPhase::Other(text) => text,
            _ => "running",
        };
        self.print_if_new(phase.to_owned());
    }

    fn print_failure(&mut self, kind: &str) {
        self.print_if_new(format!("no status ({kind})"));
    }

    fn print_if_new(&mut self, text: String) {
        if text != self.printed {
            info!("backup {}: {text}", self.job);
            self.printed = text;
        }
    }
}
