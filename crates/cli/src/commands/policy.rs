//! `agentapi policy`: what an extension imports, and running one.

mod check;
mod distribution;
mod follow;
mod input;
mod run;

use std::path::PathBuf;

use clap::Subcommand;

pub(crate) use crate::commands::policy::distribution::DistributionCommand;
use crate::commands::policy::run::PolicyRunOptions;
use crate::session::Session;

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show what an extension imports, as grants to paste, and the limits of a run; runs nothing
    Check {
        /// The extension: a component that exports `felhom:agentapi/policy`
        file: PathBuf,
    },
    /// Run an extension once, and print what it returns
    ///
    /// It calls what it is granted and nothing else, is stopped at its limits, and wipes no disk
    /// unless a person agrees. What it logs and prints is shown on stderr, what it returns on stdout.
    ///
    /// Exit status 0 where it returned, 4 where another process has the journal, 7 where something may be
    /// frozen still.
    #[command(after_long_help = "\
Example:
  agentapi policy check nightly.wasm > grants.toml
  agentapi policy run nightly.wasm --grants grants.toml --mock
  agentapi policy run nightly.wasm --grants grants.toml --dry-run --trace
  agentapi policy run nightly.wasm --grants grants.toml --input @input.json")]
    Run(Box<PolicyRunOptions>),
    #[command(flatten)]
    Distribution(DistributionCommand),
}

/// Runs one of the subcommands.
pub(crate) fn run(session: &Session, command: PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Check { file } => check::check(session, &file),
        PolicyCommand::Run(options) => run::run(session, &options),
        PolicyCommand::Distribution(command) => distribution::run(session, &command),
    }
}
