//! `agentapi fleet`: many guests on one bus. The command line is the same in every build; what it does needs the feature
//! `fleet`.

#[cfg(feature = "fleet")]
mod bus;
#[cfg(feature = "fleet")]
mod describe;
#[cfg(feature = "fleet")]
mod events;
#[cfg(feature = "fleet")]
mod rollout;
#[cfg(feature = "fleet")]
mod run;
#[cfg(feature = "fleet")]
mod signing;
#[cfg(feature = "fleet")]
mod slots;
#[cfg(feature = "fleet")]
mod users;
#[cfg(feature = "fleet")]
mod want;

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[cfg(feature = "fleet")]
pub(crate) use run::run;

/// What `fleet` takes.
#[derive(Args)]
pub(crate) struct FleetOptions {
    #[command(flatten)]
    bus: BusOptions,
    #[command(subcommand)]
    command: FleetCommand,
}

/// The server of the bus, and as whom it is asked.
#[derive(Args)]
#[command(next_help_heading = "Bus")]
struct BusOptions {
    /// Where the nats-server listens; port 4222 where none is given
    #[arg(long, value_name = "HOST:PORT", global = true, env = "AGENTAPI_FLEET_SERVER", hide_env_values = true)]
    server: Option<String>,
    /// SHA-256 of its certificate; repeatable
    #[arg(
        long,
        value_name = "SHA256",
        global = true,
        env = "AGENTAPI_FLEET_FINGERPRINT",
        hide_env_values = true,
        value_delimiter = ','
    )]
    server_fingerprint: Vec<String>,
    /// File with the coordinator's key, which `agentapi fleet users` wrote
    #[arg(long, value_name = "FILE", global = true, env = "AGENTAPI_FLEET_KEY_FILE", hide_env_values = true)]
    key_file: Option<PathBuf>,
}

/// What is done with a fleet.
#[derive(Subcommand)]
enum FleetCommand {
    /// Make the keys of a coordinator and of guests, and print the server's configuration
    ///
    /// Writes a key for each user into a file of DIR, unless it is there, and prints an account with what each user may
    /// do, to be included in the configuration of the nats-server. Asks no server.
    #[command(after_long_help = USERS_EXAMPLE)]
    Users {
        /// Where the keys are: coordinator.seed, and GUEST.seed for each guest
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// A guest and the host that it is on, such as web1@pve1; or web1@pve1/pbs1, where its backups are
        /// counted with those of a storage
        #[arg(value_name = "GUEST@HOST[/SLOTS]", required = true)]
        guests: Vec<String>,
    },
    /// Make what the fleet needs on the server, or check that it is there
    ///
    /// Can be called again at any time, after the store of the server was lost too: guests fill it anew within minutes.
    Init,
    /// List the guests: whether each lives, its latest backup, what holds there
    Ls,
    /// Show one guest
    Show {
        /// Its name
        guest: String,
    },
    /// List the latest good backup of each guest, the oldest first
    Backups,
    /// What happened on all guests, and with --follow what happens
    Events {
        /// Go on with what happens, until interrupted
        #[arg(long)]
        follow: bool,
        /// Only events of this guest
        #[arg(long, value_name = "GUEST")]
        guest: Option<String>,
        /// Only events that matter this much or more
        #[arg(long, value_name = "SEVERITY", value_parser = ["info", "warning", "critical"], default_value = "info")]
        severity: String,
    },
    /// Order something of a guest now, signed with an SSH key that the guest knows
    ///
    /// The bus carries the order and could not make it. It counts for a quarter of an hour, and is obeyed once at most;
    /// `agentapi fleet events --guest GUEST` says what the guest made of it.
    Order {
        /// The guest
        guest: String,
        /// What it is to do
        #[arg(value_parser = ["backup"])]
        op: String,
        #[command(flatten)]
        signing: SigningOptions,
    },
    /// How new backups are to be: wishes for guests and rings
    #[command(subcommand)]
    Want(WantCommand),
    /// How many guests of a host, or of a storage, back up at once
    #[command(subcommand)]
    Slots(SlotsCommand),
    /// Extensions on their way through the rings of guests
    #[command(subcommand)]
    Rollout(RolloutCommand),
    /// Wipes that wait for a person on any guest: list, approve, refuse
    #[command(subcommand)]
    Approvals(ApprovalsCommand),
}

/// What is done with wishes.
#[derive(Subcommand)]
pub(crate) enum WantCommand {
    /// List the wishes, and on how many guests each is in force
    Ls,
    /// Wish that the newest backup is never older than this
    ///
    /// A wish adds backups and takes none away: what a guest's own schedule says runs, and a schedule that is paused
    /// there is paused for the fleet as well. A guest's own wish goes before that of its ring.
    #[command(override_usage = "agentapi fleet want backup [OPTIONS] --newest-within <TIME> <WHOSE>")]
    Backup {
        /// A guest, or a ring such as ring.9
        whose: String,
        /// The newest backup is not to be older, such as 24h
        #[arg(long, value_name = "TIME")]
        newest_within: String,
        /// The hours in which one may begin, such as 01:00-05:00, by each guest's own clock
        #[arg(long, value_name = "FROM-TO")]
        window: Option<String>,
        /// From 0 to 199: who has a greater one gets a slot sooner [default: 100]
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(0..=199))]
        priority: Option<u8>,
    },
    /// Take a wish for backups back
    Nothing {
        /// A guest, or a ring such as ring.9
        whose: String,
    },
}

/// What is done with slots.
#[derive(Subcommand)]
pub(crate) enum SlotsCommand {
    /// List who backs up, and who waits for that
    Ls,
    /// Let at most so many guests of a group back up at once
    Set {
        /// The group: a host, or a storage
        group: String,
        /// How many, or none for any number
        #[arg(value_name = "NUMBER")]
        max: String,
    },
}

/// What is done with roll-outs.
#[derive(Subcommand)]
pub(crate) enum RolloutCommand {
    /// Begin to bring an extension to all guests of some rings, one ring after the other
    ///
    /// FILE is signed, with its signature beside it in FILE.minisig, as `agentapi policy sign` makes it. The next ring
    /// follows when on all guests of this one the extension has run once without an error; any failure stops it.
    #[command(override_usage = "agentapi fleet rollout start [OPTIONS] --name <NAME> <FILE>")]
    Start {
        /// The extension
        file: PathBuf,
        /// Its name in the guests' configurations
        #[arg(long)]
        name: String,
        /// The rings, from small to large [default: all in which a guest has the extension]
        #[arg(long, value_name = "RING", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=9))]
        rings: Vec<u8>,
        #[command(flatten)]
        waiting: WaitOption,
    },
    /// Say how far each is, and who is waited for
    Status,
    /// Let one go no further; the guests that have it keep it
    Stop {
        /// The extension
        name: String,
    },
    /// Wish again what was wished before
    Rollback {
        /// The extension
        name: String,
        #[command(flatten)]
        waiting: WaitOption,
    },
}

/// Whether a command plans.
#[derive(Args)]
pub(crate) struct WaitOption {
    /// Plan here until it has ended, where no controller runs with [fleet] coordinator = true
    #[arg(long)]
    wait: bool,
}

/// What is done with what waits.
#[derive(Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// List what waits, with all that is decided on
    Ls,
    /// Agree to a wipe, signed with an SSH key that the guest knows
    #[command(override_usage = "agentapi fleet approvals approve [OPTIONS] <GUEST> <APPROVAL> <ID>")]
    Approve {
        /// The guest
        guest: String,
        /// The number of the approval
        approval: i64,
        /// The disk's durable id, as a sign that somebody has looked at it
        #[arg(value_name = "ID")]
        durable_id: String,
        #[command(flatten)]
        signing: SigningOptions,
    },
    /// Say no to a wipe, signed with an SSH key that the guest knows
    #[command(override_usage = "agentapi fleet approvals refuse [OPTIONS] <GUEST> <APPROVAL>")]
    Refuse {
        /// The guest
        guest: String,
        /// The number of the approval
        approval: i64,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        #[command(flatten)]
        signing: SigningOptions,
    },
}

/// With what is signed.
#[derive(Args)]
pub(crate) struct SigningOptions {
    /// The SSH key: a private one, or a public one whose private half an agent or a hardware key has
    #[arg(long, value_name = "FILE", env = "AGENTAPI_SSH_KEY", hide_env_values = true)]
    ssh_key: PathBuf,
    /// As whom: the name that stands beside the key in the guest's file of allowed signers
    #[arg(long = "as", value_name = "NAME", env = "AGENTAPI_SIGNER", hide_env_values = true)]
    as_principal: String,
}

const USERS_EXAMPLE: &str = "\
Example:
  agentapi fleet users --keys keys web1@pve1 web2@pve1 db1@pve2 > fleet.conf

In the server's configuration, beside its tls and jetstream:
  include fleet.conf";

/// Says that this build has no bus.
#[cfg(not(feature = "fleet"))]
pub(crate) fn run(_: &FleetOptions, _: crate::print::Output) -> anyhow::Result<()> {
    Err(crate::error::UsageError(NOT_IN_THIS_BUILD.into()).into())
}

/// Why there is no fleet.
#[cfg(not(feature = "fleet"))]
pub(crate) const NOT_IN_THIS_BUILD: &str = "this build of agentapi has no fleet: the feature `fleet` is off";
