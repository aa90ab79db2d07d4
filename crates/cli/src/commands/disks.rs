//! `agentapi disks`: list, assign, eject, format and wipe.

mod assign;
mod eject;
mod format;
mod list;
pub(crate) mod role;
mod wipe;

use agentapi_host::{Agent, Route};
use clap::Subcommand;

use crate::commands::disks::assign::AssignOptions;
use crate::commands::disks::eject::EjectOptions;
use crate::commands::disks::format::FormatOptions;
use crate::commands::disks::wipe::WipeOptions;
use crate::commands::listing::ListingOptions;
use crate::session::Session;

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum DisksCommand {
    /// List disks, what they are used for and what is on them (GET /disks)
    ///
    /// A lock marks system and backup disks: those are formatted only when the host's operator signs.
    List(ListingOptions),
    /// Mount a disk (POST /disks/assign)
    ///
    /// Exit status 5 where the answer was lost: see `agentapi disks list`.
    #[command(after_long_help = "\
Example:
  agentapi disks assign uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33 \\
      /mnt/felhom/spare --fstype ext4")]
    Assign(AssignOptions),
    /// Unmount the disk that is mounted at a path, and let it go (POST /disks/eject)
    ///
    /// Exit status 5 where the answer was lost: see `agentapi disks list`.
    Eject(EjectOptions),
    /// Format a disk, after a person confirmed it (POST /disks/format)
    ///
    /// The agent decides what the disk is. A blank one is formatted. For a user-data disk this command
    /// shows what is on it and asks you to type its durable id. A system or backup disk is refused, with
    /// the command by which the host's operator signs the operation.
    ///
    /// Exit status 5 where the answer was lost: see `agentapi disks list`.
    #[command(after_long_help = "\
Examples:
  agentapi disks format /dev/sdc1 --fstype ext4
  agentapi disks format /dev/sdc1 --fstype ext4 \\
      --confirm uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10

The second is for scripts: whoever writes the durable id there has confirmed
that this disk is wiped.")]
    Format(FormatOptions),
    /// Ask the controller to wipe a disk, which a person then approves
    ///
    /// Returns when a person is asked. The controller wipes the disk in a run of its own, if somebody who
    /// may decide approves it within a quarter of an hour and it is still the same disk.
    #[command(after_long_help = "\
Example:
  agentapi disks wipe /dev/sdc1 \\
      --durable-id uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10")]
    Wipe(WipeOptions),
}

/// Runs one of the subcommands.
pub(crate) fn run(session: &Session, command: DisksCommand) -> anyhow::Result<()> {
    match command {
        DisksCommand::List(options) => {
            let ask = async |agent: &Agent| agent.disks().await;
            session.with_record(&options.target, Route::Disks, ask, |list, output| {
                list::show(list, output, options.columns())
            })
        }
        DisksCommand::Assign(options) => {
            session.with_agent(&options.target, async |agent, output| assign::assign(agent, output, &options).await)
        }
        DisksCommand::Eject(options) => {
            session.with_agent(&options.target, async |agent, output| eject::eject(agent, output, &options).await)
        }
        DisksCommand::Format(options) => {
            session.with_agent(&options.target, async |agent, output| format::format(agent, output, &options).await)
        }
        DisksCommand::Wipe(options) => wipe::wipe(&options, session.output),
    }
}
