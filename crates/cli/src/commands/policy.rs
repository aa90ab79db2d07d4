//! `agentapi policy`: what an extension imports, and running one.

mod build;
mod check;
mod distribution;
mod follow;
mod input;
mod kept;
mod new;
mod run;
mod test;

use std::path::PathBuf;

use clap::Subcommand;

use crate::commands::policy::build::BuildOptions;
pub(crate) use crate::commands::policy::distribution::DistributionCommand;
use crate::commands::policy::new::NewOptions;
use crate::commands::policy::run::PolicyRunOptions;
use crate::commands::policy::test::PolicyTestOptions;
use crate::session::Session;

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Make the project of a new extension: it builds, is tested and checked, in one folder
    ///
    /// What it is written with goes along, in vendor/; nothing but the language's own tools is needed.
    #[command(after_long_help = "\
Example:
  agentapi policy new full-disks --lang rust
  cd full-disks
  agentapi policy build
  agentapi policy run dist/full-disks.wasm --grants grants.toml --mock")]
    New(NewOptions),
    /// Build an extension with its language's own tool: writes dist/NAME.wasm
    ///
    /// Knows a project by its Cargo.toml, package.json or pyproject.toml. Name, version and description go into the
    /// file, and what its grants.toml asks for, as `agentapi policy inspect` shows them.
    Build(BuildOptions),
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
    /// Run an extension's cases against mock agents, and report what is not as expected
    ///
    /// Each case has a mock agent and a virtual clock of its own: a backup of four hours takes a moment. The
    /// extension is the one that was built in the folder above `cases`: by cargo, or the only dist/*.wasm.
    ///
    /// Exit status 0 where all is as expected, 1 where something is not, 2 for a case file that is wrong.
    #[command(after_long_help = test::CASES)]
    Test(PolicyTestOptions),
    #[command(flatten)]
    Distribution(DistributionCommand),
}

/// Runs one of the subcommands.
pub(crate) fn run(session: &Session, command: PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::New(options) => new::run(&options, session.output),
        PolicyCommand::Build(options) => build::run(&options, session.output),
        PolicyCommand::Check { file } => check::check(session, &file),
        PolicyCommand::Run(options) => run::run(session, &options),
        PolicyCommand::Test(options) => test::test(session, &options),
        PolicyCommand::Distribution(command) => distribution::run(session, &command),
    }
}
