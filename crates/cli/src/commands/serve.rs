//! `agentapi serve`: the controller, until it is told to end.

mod fleet;
mod mock;
mod systemd;

use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_controller::api::{Inherited, Sockets};
use agentapi_controller::build::receivers;
use agentapi_controller::clock::{Clock, SystemClock};
use agentapi_controller::config::{
    Config, Mistake, Surroundings, journal_of,
    places::{Loopback, User},
    print as understood,
};
use agentapi_controller::controller::{Controller, Environment};
use agentapi_controller::traces;
use agentapi_host::HostBuilder;
use agentapi_host::quiesce::{Applications, Coordinator, Leftover, Parked, Settings};
use anyhow::Context;
use clap::Args;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::{CommandError, UsageError, WrongConfiguration};
use crate::extension::tell::tell;
use crate::extension::thaw::{finish, journal_error};
use crate::print::escape::visible;
use crate::print::print;
use crate::process::signals::{Hangup, Termination};
use crate::process::stderr::stderr;
use crate::session::Session;
use crate::status::ExitStatus;

/// What `serve` takes.
#[derive(Args)]
pub(crate) struct ServeOptions {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/agentapi/controller.toml")]
    config: PathBuf,
    /// Print what was understood of the configuration, with the next times of each schedule, and end
    #[arg(long, conflicts_with = "mock")]
    check: bool,
    /// Run against a mock agent in this process, with a backup and two extensions every few minutes: to
    /// see it work
    #[arg(long, conflicts_with = "config")]
    mock: bool,
}

/// Runs the controller.
pub(crate) fn run(session: &Session, options: &ServeOptions) -> anyhow::Result<()> {
    if session.output.json {
        return Err(UsageError("serve prints for people only: programs ask the socket".into()).into());
    }
    let runtime = Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build();
    let runtime = runtime.context("the runtime cannot be started")?;
    let outcome = if options.mock {
        runtime.block_on(mock::serve(session.host.builder()?))
    } else {
        serve_file(&runtime, session, options)
    };
    runtime.shutdown_background();
    outcome
}

fn serve_file(runtime: &tokio::runtime::Runtime, session: &Session, options: &ServeOptions) -> anyhow::Result<()> {
    if options.check {
        return check(&options.config);
    }
    // From here on a signal is waited for by whoever is at work, and none is lost in between.
    let handle = runtime.block_on(async { Termination::handle() });
    let mut termination = handle.context("signals cannot be waited for")?;
    // Before the configuration is checked, which reads the token: what was left frozen waits for nothing else.
    let recovered = runtime.block_on(thaw_leftover(&journal_of(&options.config), &mut termination))?;
    if let Some(signal) = termination.latest() {
        let text = format!("signal {signal}: what was left frozen is thawed, and nothing was started");
        return Err(CommandError::new(text).with_status(ExitStatus::Signal(signal)).into());
    }
    let config = read(&options.config)?;
    fleet::check(config.fixed.fleet.as_ref()).map_err(|why| wrong(&why))?;
    let inherited = systemd::inherited()?;
    let sockets = sockets(&config, &inherited)?;
    runtime.block_on(serve(
        &config,
        sockets,
        inherited,
        Begun { termination, recovered, host: session.host.builder()? },
    ))
}

fn read(file: &Path) -> anyhow::Result<Config> {
    Config::read(file, &Surroundings::of_process()).result.map_err(|mistakes| refused(&mistakes))
}

/// Prints what was understood; also what only this build or this machine refuses is refused.
fn check(file: &Path) -> anyhow::Result<()> {
    let config = read(file)?;
    receivers(&config.live).map_err(|why| wrong(&why.to_string()))?;
    traces::check(config.fixed.traces.as_ref()).map_err(|why| wrong(&why.to_string()))?;
    fleet::check(config.fixed.fleet.as_ref()).map_err(|why| wrong(&why))?;
    approvers(&config)?;
    Ok(print(&understood(&config, SystemClock.now()))?)
}

/// What there is before the controller starts.
struct Begun {
    termination: Termination,
    /// What was thawed, for people.
    recovered: Option<String>,
    /// What runs the client and the extensions.
    host: HostBuilder,
}

/// Thaws what an earlier controller left frozen, as `agentapi thaw` does, and says what it was. A journal of an older version,
/// which does not say what that was, is not of a controller.
async fn thaw_leftover(journal: &Path, termination: &mut Termination) -> anyhow::Result<Option<String>> {
    systemd::starting("thawing what an earlier controller has left frozen, if it has");
    // What is said meanwhile may lie on what is frozen.
    let parked = stderr().park();
    let leftover = Leftover::thaw(journal, Applications::none(), &Settings::default()).map_err(journal_error)?;
    let Some(leftover) = leftover else { return Ok(None) };
    let thawed = finish(leftover, journal, termination).await?;
    drop(parked);
    let text = thawed.map(|report| {
        format!("thawed what {} had left frozen, {} s after its freeze began", report.holder, report.frozen.as_secs())
    });
    text.iter().for_each(|text| tell(&visible(text)));
    Ok(text)
}

fn wrong(text: &str) -> WrongConfiguration {
    WrongConfiguration(vec![visible(text).into_owned()])
}

fn refused(mistakes: &[Mistake]) -> anyhow::Error {
    let mistakes = mistakes.iter().map(|mistake| visible(&mistake.to_string()).into_owned());
    WrongConfiguration(iter::once("the configuration is refused:".to_owned()).chain(mistakes).collect()).into()
}

/// Starts, says where it answers, and runs until a signal comes.
async fn serve(
    config: &Config,
    sockets: Sockets,
    inherited: Inherited,
    Begun { mut termination, recovered, host }: Begun,
) -> anyhow::Result<()> {
    let reload = Arc::new(Notify::new());
    let mut hangup = Hangup::handle().context("signals cannot be waited for")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let part = fleet::Part::new(&config.fixed, &clock);
    let environment = Environment {
        clock,
        host,
        sockets: sockets.clone(),
        inherited,
        surroundings: Surroundings::of_process(),
        reload: Arc::clone(&reload),
        park: || Parked::until_dropped(stderr().park()),
        recovered,
        gate: part.gate(),
    };
    let controller = Controller::start(config, environment).await?;
    let stop = CancellationToken::new();
    let mut beside = tell_systemd(&controller, &stop);
    part.join(&mut beside, &controller.companion());
    tell(&format!(
        "the controller is ready: agentapi status --socket {}",
        visible(&sockets.main.display().to_string())
    ));
    let (mut reloads, coordinator) = (controller.reloads(), controller.coordinator().cloned());
    let running = controller.run(stop.clone());
    tokio::pin!(running);
    let signal = loop {
        tokio::select! {
            () = running.as_mut() => return Err(ended_by_itself(coordinator.as_ref(), &config.fixed.journal).into()),
            signal = termination.recv() => break signal,
            _ = hangup.recv() => {
                systemd::reloading();
                reload.notify_one();
            }
            Ok(()) = reloads.changed() => systemd::ready(),
        }
    };
    tell(&format!("signal {signal}: runs are stopped, and what is frozen is thawed"));
    systemd::stopping();
    stop.cancel();
    tokio::select! {
        // A thaw that was given up is in the log, and the journal says it.
        () = running => match is_frozen(coordinator.as_ref()) {
            true => Err(still_frozen("ended before all was thawed", &config.fixed.journal).into()),
            false => Ok(()),
        },
        _ = termination.recv() => Err(interrupted_again(coordinator.as_ref(), &config.fixed.journal).into()),
    }
}

/// What systemd is told while the controller runs, by tasks that end when this is dropped.
fn tell_systemd(controller: &Controller, stop: &CancellationToken) -> JoinSet<()> {
    let mut beside = JoinSet::new();
    systemd::ready();
    beside.spawn(systemd::follow(controller.status()));
    if let Some(limit) = systemd::watchdog() {
        let liveness = controller.liveness(stop);
        let answers_within = move |limit| {
            let liveness = liveness.clone();
            async move { liveness.answers_within(limit).await }
        };
        beside.spawn(systemd::feed(limit, answers_within, systemd::lives));
    }
    beside
}

/// The end that did not wait for runs and the thaw.
fn interrupted_again(coordinator: Option<&Coordinator>, journal: &Path) -> CommandError {
    match is_frozen(coordinator) {
        true => still_frozen("interrupted again before all was thawed", journal),
        false => CommandError::new("interrupted again before all had ended: the next start goes on"),
    }
}

fn ended_by_itself(coordinator: Option<&Coordinator>, journal: &Path) -> CommandError {
    let why = "the controller has ended, because a part of it had: the lines before this one say which";
    match is_frozen(coordinator) {
        true => still_frozen(why, journal),
        false => CommandError::new(why),
    }
}

fn is_frozen(coordinator: Option<&Coordinator>) -> bool {
    coordinator.is_some_and(|coordinator| coordinator.status().is_some())
}

fn still_frozen(why: &str, journal: &Path) -> CommandError {
    // What is said from here on must not wait for what is frozen.
    stderr().park().for_good();
    let journal = journal.display().to_string();
    let text = format!("{why}: the next start thaws, and so does agentapi thaw --journal {}", visible(&journal));
    CommandError::new(text).with_status(ExitStatus::Frozen)
}

/// The sockets, with the numbers of group and users. A group that is not there is told, and root alone may connect.
fn sockets(config: &Config, inherited: &Inherited) -> anyhow::Result<Sockets> {
    let api = &config.fixed.api;
    // Before anything is made.
    let approvers = approvers(config)?;
    let places = [(&api.socket, &inherited.main), (&api.socket_ro, &inherited.read_only)];
    for (socket, _) in places.into_iter().filter(|(_, inherited)| inherited.is_none()) {
        let folder = socket.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    let group = number_of("/etc/group", &api.group);
    if group.is_none() && inherited.main.is_none() {
        tell(&format!("there is no group {}: only root and this user may connect", visible(&api.group)));
    }
    Ok(Sockets {
        main: api.socket.clone(),
        read_only: api.socket_ro.clone(),
        group,
        approvers,
        metrics: config.fixed.metrics.listen.map(Loopback::address),
    })
}

/// The numbers of those who may decide.
fn approvers(config: &Config) -> Result<Vec<u32>, WrongConfiguration> {
    let number = |user: &User| match user {
        User::Uid(uid) => Ok(*uid),
        User::Name(name) => {
            let unknown = || wrong(&format!("api.approvers: there is no user {name}"));
            number_of("/etc/passwd", name).ok_or_else(unknown)
        }
    };
    config.fixed.api.approvers.iter().map(number).collect()
}

/// The number of a group or user in the machine's own files: name, password, number, ...
fn number_of(file: &str, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

/// Requests and runs mostly wait; extensions compute on one while the other answers.
const WORKERS: usize = 2;
