//! Runs an extension for a command, with an audit, applications that it may freeze, and signals.
//!
//! The order of things, whatever happens:
//!
//! 1. What an earlier run left frozen is thawed, before anything is looked at that may be missing or lie on a frozen disk.
//! 2. The extension runs. Every signal that would end the process thaws first.
//! 3. Its report is printed on stdout, also where the thaw has not worked yet.
//! 4. The thaw is waited for, and told on stderr as long as it does not work. Only a second signal, or the time that the
//!    operator set, ends the command earlier, with a status of its own.

pub(crate) mod applications;
mod frozen_files;
mod interruption;
pub(crate) mod journal;
pub(crate) mod messages;
mod parking;
pub(crate) mod quiesce;
mod report;
pub(crate) mod state_file;
pub(crate) mod tell;
pub(crate) mod thaw;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agentapi_host::policy::{AuditFile, Policy};
use agentapi_host::{Agent, Host, Target, error_chain};
use agentapi_mock::{FaultRule, MockAgent, Scenario};
use anyhow::Context;
use clap::Args;

use crate::error::{CommandError, SilentFailure, UntoldOutcome, UsageError};
use crate::extension::frozen_files::refuse_files_on;
use crate::extension::interruption::RunSignals;
use crate::extension::parking::park;
use crate::extension::quiesce::QuiesceOptions;
use crate::extension::report::Printing;
use crate::extension::state_file::StateFile;
use crate::extension::tell::tell;
use crate::extension::thaw::{Freeze, ThawWait};
use crate::print::StdoutError;
use crate::print::escape::visible;
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::process::stderr::stderr;
use crate::session::Session;
use crate::session::target::TargetOptions;
use crate::status::ExitStatus;

/// What every run of an extension takes.
#[derive(Args)]
pub(crate) struct ExtensionOptions {
    /// Append to FILE, as lines of JSON, what it does and what comes of it; the file is reopened on SIGHUP
    #[arg(long, value_name = "FILE")]
    audit: Option<PathBuf>,
    /// Run it against a mock agent in this process instead of an agent of yours
    #[arg(long)]
    mock: bool,
    /// What the mock agent starts with: a file as `agentapi mock --scenario` takes it
    #[arg(long, value_name = "FILE", requires = "mock")]
    scenario: Option<PathBuf>,
    /// What goes wrong at the mock agent: a rule as `agentapi mock --fault` takes it; repeatable
    #[arg(long, value_name = "RULE", requires = "mock")]
    fault: Vec<FaultRule>,
    #[command(flatten)]
    pub(crate) quiesce: QuiesceOptions,
    #[command(flatten)]
    target: TargetOptions,
}

impl ExtensionOptions {
    async fn start_mock(&self) -> anyhow::Result<MockAgent> {
        let mut scenario = self.scenario.as_deref().map(Scenario::read).transpose()?.unwrap_or_default();
        scenario.faults.extend(&self.fault);
        Ok(MockAgent::builder().scenario(scenario).start().await?)
    }
}

/// What a command runs an extension for.
pub(crate) trait Job {
    /// What the extension is given.
    fn input(&self) -> anyhow::Result<String>;
    /// How long it may keep something frozen, unless the operator says.
    fn lease(&self) -> Duration;
    fn load(&self, host: &Host) -> anyhow::Result<Policy>;
    /// Where it remembers something, once it is loaded.
    fn state_file(&self) -> Option<StateFile> {
        None
    }
    /// What is printed of it. The thaw may not have worked yet.
    fn report(&self, outcome: &RunOutcome) -> anyhow::Result<String>;
    /// Tells what the report could not say, because the thaw had not worked yet.
    fn tell_end_of_thaw(&self, _outcome: &RunOutcome) {}
    /// How the command ends. All is thawed.
    fn verdict(&self, outcome: &RunOutcome) -> anyhow::Result<Verdict>;
}

/// What a run that came to its end leaves.
pub(crate) struct RunOutcome {
    /// What the extension returned.
    pub(crate) result: String,
    /// What has become of its last freeze.
    pub(crate) freeze: Freeze,
}

/// How a command ends that has printed its report.
pub(crate) struct Verdict {
    status: ExitStatus,
    /// What the report does not say.
    words: Option<String>,
}

impl Verdict {
    pub(crate) fn with_words(status: ExitStatus, words: String) -> Self {
        Self { status, words: Some(words) }
    }

    fn conclude(self, printed: Result<(), StdoutError>) -> anyhow::Result<()> {
        let Self { status, words } = self;
        match (printed, words) {
            (Err(StdoutError(source)), _) => Err(UntoldOutcome { status, source }.into()),
            (Ok(()), Some(words)) => Err(CommandError::new(words).with_status(status).into()),
            (Ok(()), None) if status == ExitStatus::Done => Ok(()),
            (Ok(()), None) => Err(SilentFailure(status).into()),
        }
    }
}

impl From<ExitStatus> for Verdict {
    fn from(status: ExitStatus) -> Self {
        Self { status, words: None }
    }
}

/// Loads an extension, runs it to its end or until a signal comes, and reports.
pub(crate) fn run(session: &Session, options: &ExtensionOptions, job: &impl Job) -> anyhow::Result<()> {
    if options.mock && options.target.or(&session.global_target).first_given().is_some() {
        return Err(UsageError("--mock is an agent of its own: give it no other".into()).into());
    }
    block_on(single_threaded()?, async {
        let mut signals = RunSignals::handle()?;
        let mut thaws = options.quiesce.open(job.lease())?;
        if let Some(thaws) = &mut thaws {
            // What is printed is not written to a file before that is thawed: it may lie there.
            let _parked = stderr().park();
            thaws.thaw_leftover(&mut signals.termination).await?;
            RunSignals::thaw_first(&thaws.coordinator, options.audit.is_some())?;
        }
        // Not before: a command line that is refused must thaw what an earlier one left.
        options.look_at_what_is_frozen()?;
        let host = session.host.build()?;
        let mut policy = job.load(&host)?;
        // Kept until the run is over: dropping the mock agent stops it.
        let mock = if options.mock { Some(options.start_mock().await?) } else { None };
        let target = match &mock {
            Some(mock) => Target::parse(&mock.endpoint(), mock.token(), [mock.fingerprint().to_string()])?,
            None => session.target(&options.target)?,
        };
        let agent = host.agent(target)?;
        signals.audit = options.audit.as_deref().map(open_audit).transpose()?;
        if let Some(audit) = &signals.audit {
            policy = policy.audit(Arc::clone(audit) as _);
        }
        run_with_agent(policy, &agent, thaws, signals, job).await
    })
}

async fn run_with_agent(
    policy: Policy,
    agent: &Agent,
    thaws: Option<ThawWait>,
    mut signals: RunSignals,
    job: &impl Job,
) -> anyhow::Result<()> {
    let input = job.input()?;
    let Some(thaws) = thaws else {
        let result = signals.run(&policy, agent, &input).await;
        stderr().end_progress();
        let outcome = RunOutcome { result: result?, freeze: Freeze::Nothing };
        let printed = Printing::start(&job.report(&outcome)?).end(&mut signals.termination).await;
        return job.verdict(&outcome)?.conclude(printed);
    };
    let audit = signals.audit.clone();
    let state = job.state_file();
    let policy = policy.quiesce(thaws.coordinator.clone(), move || park(audit.as_deref(), state.as_ref()));
    let result = signals.run(&policy, agent, &input).await;
    thaws.settle(&mut signals.termination).await;
    // Before anything else is printed: the line would be drawn over it.
    stderr().end_progress();
    let outcome = result.map(|result| RunOutcome { result, freeze: thaws.freeze() });
    report_and_wait(outcome, &thaws, &mut signals.termination, job).await
}

/// Reports, and only then waits for a thaw that has not worked: that may take until somebody has read the report.
async fn report_and_wait(
    outcome: anyhow::Result<RunOutcome>,
    thaws: &ThawWait,
    termination: &mut Termination,
    job: &impl Job,
) -> anyhow::Result<()> {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(why) => {
            if thaws.coordinator.status().is_some() {
                tell(&visible(&error_chain(&*why)));
            }
            thaws.until_thawed(termination).await?;
            return Err(why);
        }
    };
    let text = job.report(&outcome);
    let Freeze::Thawing(_) = outcome.freeze else {
        let printed = Printing::start(&text?).end(termination).await;
        return job.verdict(&outcome)?.conclude(printed);
    };
    let mut printing = text.map(|text| Printing::start_while_frozen(&text));
    if let Ok(printing) = &mut printing {
        printing.settle().await;
    }
    thaws.until_thawed(termination).await?;
    let outcome = RunOutcome { freeze: thaws.freeze(), ..outcome };
    job.tell_end_of_thaw(&outcome);
    let printed = printing?.end(termination).await;
    job.verdict(&outcome)?.conclude(printed)
}

impl ExtensionOptions {
    fn look_at_what_is_frozen(&self) -> Result<(), UsageError> {
        let applications = &self.quiesce.applications;
        for program in applications.file_system_programs() {
            tell(&format!(
                "--freeze '{}': --freeze-fs MOUNT knows more: whether somebody else froze it, and whether it still is",
                visible(program)
            ));
        }
        refuse_files_on(applications.file_systems(), self.audit.as_deref())
    }
}

fn open_audit(file: &Path) -> anyhow::Result<Arc<AuditFile>> {
    let audit = AuditFile::open(file).with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(Arc::new(audit))
}
