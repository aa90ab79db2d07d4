//! The command `agentapi`: reads the command line, calls the library, prints. What the operations do is the library's.
//!
//! A library, so that its protocol for programs ([`Request`], [`Operation`]) can be used and tested without a process.
//!
//! Every command ends with one of three statuses: 0 it was done, 1 it was not, 2 wrong usage. The token comes from a
//! file or the environment, and nothing here prints it; the mock agent's, made for one run, is the exception.

mod arguments;
mod commands;
mod error;
mod extension;
mod print;
mod process;
mod report;
mod session;

use std::process::ExitCode;

use clap::Parser;

pub use crate::commands::call::{Operation, Request};

use crate::arguments::{BackupCommand, Cli, Command, DisksCommand, PolicyCommand};
use crate::commands::{backup, call, demo, disks, fingerprint, metrics, mock, policy, storage};
use crate::error::UsageError;
use crate::process::log;
use crate::session::Session;
use crate::session::target::ConnectionOptions;

/// Runs the command that this process was started as.
pub fn run() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| report::exit_with_clap_error(error));
    let json = cli.json;
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::report(&error, json),
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<()> {
    log::start(&cli.log)?;
    let command = cli.command.unwrap_or(Command::Demo);
    refuse_what_means_nothing(&command, &cli.connection, cli.json)?;
    let session = Session { outer: cli.connection, host: cli.host, json: cli.json };
    match command {
        Command::Demo => demo::run(&session),
        Command::Mock(options) => mock::run(&options, session.json),
        Command::Call(connection) => call::run(&session, connection),
        Command::Fingerprint { endpoint } => fingerprint::run(&session, &endpoint),
        Command::Storage(connection) => session.with_agent(connection, storage::show),
        Command::Metrics(connection) => session.with_agent(connection, metrics::show),
        Command::Backup(BackupCommand::Due(connection)) => session.with_agent(connection, backup::due),
        Command::Backup(BackupCommand::Start(connection)) => session.with_agent(connection, backup::start),
        Command::Backup(BackupCommand::Status(connection)) => session.with_agent(connection, backup::status),
        Command::Backup(BackupCommand::Run { run, connection }) => backup::run::run(&session, connection, &run),
        Command::Policy(PolicyCommand::Check { file }) => policy::check(&session, &file),
        Command::Policy(PolicyCommand::Run { run, connection }) => policy::run(&session, connection, &run),
        Command::Disks(DisksCommand::List(connection)) => session.with_agent(connection, disks::list),
        Command::Disks(DisksCommand::Assign { assign, connection }) => {
            session.with_agent(connection, async |agent, output| disks::assign(agent, output, assign).await)
        }
        Command::Disks(DisksCommand::Eject { mounted_at, connection }) => {
            session.with_agent(connection, async |agent, output| disks::eject(agent, output, &mounted_at).await)
        }
        Command::Disks(DisksCommand::Format { format, connection }) => {
            session.with_agent(connection, async |agent, output| disks::format::run(agent, output, format).await)
        }
    }
}

/// An option that is silently without effect would let people believe that it had one.
fn refuse_what_means_nothing(command: &Command, outer: &ConnectionOptions, json: bool) -> Result<(), UsageError> {
    let name = match command {
        Command::Demo => "demo",
        Command::Mock(_) => "mock",
        Command::Fingerprint { .. } => "fingerprint",
        Command::Policy(PolicyCommand::Check { .. }) => "policy check",
        _ => return Ok(()),
    };
    if outer.are_given() {
        return Err(UsageError(format!("{name} connects to no agent of yours: give it no --{}", outer.first_name())));
    }
    if json && matches!(command, Command::Demo) {
        return Err(UsageError(
            "demo prints for people only; programs use call, or --json with any other command".into(),
        ));
    }
    Ok(())
}
