//! The command `agentapi`: reads the command line, calls `agentapi-host`, and prints what comes back.
//!
//! It is a library too, so that the protocol of `agentapi call` ([`Request`], [`Operation`]) can be used and tested
//! without a process.
//!
//! Every command ends with one of the exit statuses in the table of `status`. The token comes from a file
//! or the environment and is never printed. Only the token of a mock agent is: it is made for one run, and other
//! commands need it to connect.
//!
//! Each module imports only from those below it:
//!
//! | module | holds |
//! | --- | --- |
//! | `exit` | the message and the exit status of a command that failed |
//! | `cli` | the command line: global options, list of subcommands |
//! | `commands` | one module for each subcommand: its options, what it does, what it prints |
//! | `extension` | running an extension, for `policy run` and `backup run` |
//! | `session` | the agent and the host that the options name |
//! | `process` | runtime, stderr with the log, signals, the user's directories |
//! | `print` | stdout: JSON, tables, units, escaping |
//! | `error` | errors of the command itself |
//! | `status` | the exit statuses |

mod cli;
mod commands;
mod error;
mod exit;
mod extension;
mod print;
mod process;
mod session;
mod status;

use std::env;
use std::process::ExitCode;

use agentapi_host::{Agent, Route, loader};
use clap::CommandFactory;

pub use crate::commands::call::{Operation, Request};

use crate::cli::{Cli, Command, IfNamed};
use crate::commands::policy::PolicyCommand;
use crate::commands::{
    approvals, backup, call, check, console, demo, disks, events, fingerprint, fleet, metrics, mock, notify, policy,
    record, runs, schedule, serve, status as controller, storage, thaw,
};
use crate::error::UsageError;
use crate::print::Output;
use crate::process::{log, stderr};
use crate::session::Session;
use crate::session::load::LOAD_COMPONENT;

/// The definition of the command line, from which man pages and completions are made.
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process and returns its exit status.
pub fn run() -> ExitCode {
    // No subcommand of clap's, because nobody is to type it: the command starts itself so, to compile what it does not trust.
    if env::args_os().nth(1).is_some_and(|argument| argument == LOAD_COMPONENT) {
        return loader::main();
    }
    // Started first, and finished last: nothing else writes to standard error.
    let _finish = stderr::start();
    let cli = match Cli::parse_arguments() {
        Ok(cli) => cli,
        Err(error) => return check::status_of_usage(exit::report_clap_error(error)).into(),
    };
    let is_check = matches!(cli.command, Some(Command::Check(_)));
    let output = Output { json: cli.json };
    match dispatch(cli, output) {
        Ok(()) => ExitCode::SUCCESS,
        // `check` reports its failures itself, save those before it starts.
        Err(error) if is_check => check::status_of_failure(exit::report_failure(&error, output)).into(),
        Err(error) => exit::report_failure(&error, output).into(),
    }
}

fn dispatch(cli: Cli, output: Output) -> anyhow::Result<()> {
    let command = cli.command.unwrap_or(Command::Demo);
    let is_test = matches!(command, Command::Policy(IfNamed(PolicyCommand::Test(_))));
    log::start(&cli.log, if is_test { log::ERRORS_ONLY } else { log::DEFAULT_FILTER })?;
    let session = Session { global_target: cli.target, host: cli.host, output };
    refuse_options_without_effect(&command, &session)?;
    match command {
        Command::Demo => demo::run(&session),
        Command::Mock(options) => mock::run(&session, &options),
        Command::Record(options) => record::run(&session, &options),
        Command::Call(target) => call::run(&session, &target),
        Command::Fingerprint(options) => fingerprint::run(&session, &options),
        Command::Storage(options) => {
            let ask = async |agent: &Agent| agent.storage().await;
            session.with_record(&options.target, Route::Storage, ask, |view, output| {
                storage::show(view, output, options.columns())
            })
        }
        Command::Metrics(options) => {
            let ask = async |agent: &Agent| agent.host_metrics().await;
            session.with_record(&options.target, Route::HostMetrics, ask, |view, output| {
                metrics::show(view, output, options.columns())
            })
        }
        Command::Check(target) => check::run(&session, &target),
        Command::Backup(IfNamed(command)) => backup::run(&session, command),
        Command::Thaw(options) => thaw::run(&options, output),
        Command::Serve(options) => serve::run(&session, &options),
        Command::Status(daemon) => controller::run(&daemon, output),
        Command::Approvals { daemon, command } => approvals::run(&daemon, command.as_deref(), output),
        Command::Notify { daemon, command } => notify::run(&daemon, command.as_deref(), output),
        Command::Runs { daemon, command } => runs::run(&daemon, command.as_deref(), output),
        Command::Schedule { daemon, command } => schedule::run(&daemon, &command, output),
        Command::Events(options) => events::run(&options, output),
        Command::Console(options) => console::run(&options, output),
        Command::Fleet(options) => fleet::run(&options, output),
        Command::Disks(IfNamed(command)) => disks::run(&session, command),
        Command::Policy(IfNamed(command)) => policy::run(&session, command),
    }
}

/// Global options reach every subcommand. One without effect there is refused: users would believe that it had one.
fn refuse_options_without_effect(command: &Command, session: &Session) -> Result<(), UsageError> {
    let name = match command {
        Command::Demo => "demo",
        Command::Mock(_) => "mock",
        Command::Fingerprint(_) => "fingerprint",
        Command::Policy(IfNamed(PolicyCommand::Check { .. })) => "policy check",
        Command::Policy(IfNamed(PolicyCommand::Test(_))) => "policy test",
        Command::Policy(IfNamed(PolicyCommand::Distribution(command))) => command.name(),
        Command::Thaw(_) => "thaw",
        Command::Serve(_) => "serve",
        Command::Status(_) => "status",
        Command::Approvals { .. } => "approvals",
        Command::Notify { .. } => "notify",
        Command::Runs { .. } => "runs",
        Command::Schedule { .. } => "schedule",
        Command::Events(_) => "events",
        Command::Console(_) => "console",
        Command::Fleet(_) => "fleet",
        _ => return Ok(()),
    };
    if let Some(option) = session.global_target.first_given() {
        return Err(UsageError(format!("{name} connects to no agent of yours: give it no --{option}")));
    }
    if let (Command::Thaw(_), Some(option)) = (command, session.host.first_given()) {
        return Err(UsageError(format!("thaw makes no call: give it no --{option}")));
    }
    if session.output.json && matches!(command, Command::Demo) {
        let text = "demo prints for people only; programs use call, or --json with any other command";
        return Err(UsageError(text.into()));
    }
    Ok(())
}
