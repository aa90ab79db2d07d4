//! What can be typed, and the help that is shown for it.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::commands::backup::run::BackupRunOptions;
use crate::commands::mock::MockOptions;
use crate::commands::policy::RunOptions;
use crate::process::log::LogOptions;
use crate::session::HostOptions;
use crate::session::target::ConnectionOptions;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

const AFTER_HELP: &str = "\
No agent at hand? `agentapi` alone shows everything against a mock agent; `agentapi mock` starts one to play with.
Exit status: 0 done, 1 not done, 2 wrong usage.";

const AFTER_LONG_HELP: &str = "\
Examples:
  agentapi                                   a tour, against a mock agent in this process
  agentapi mock                              a mock agent, and the three lines that connect you to it
  agentapi fingerprint 10.0.0.1:8443         what an agent presents, to compare before you pin it
  agentapi disks list                        disks, with what they are used for
  agentapi disks list --json | jq .disks     the same for programs
  echo '{\"id\":1,\"op\":\"storage\"}' | agentapi call

An agent is named by three things, which the host's operator gives you:
  export AGENTAPI_ENDPOINT=10.0.0.1:8443
  export AGENTAPI_FINGERPRINT=3F:8A:..       SHA-256 of its leaf certificate; several separated by commas
  export AGENTAPI_TOKEN_FILE=/path/to/token  or the token itself in AGENTAPI_TOKEN; it is never an argument

Environment:
  AGENTAPI_CACHE_DIR  where compiled code is kept (default: agentapi in $XDG_CACHE_HOME or ~/.cache); empty: nowhere
  AGENTAPI_LOG        as --log
  NO_COLOR            no colours

Exit status: 0 done, 1 not done, 2 wrong usage.";

/// Talks to a host agent over HTTPS with a pinned certificate.
///
/// The client itself is a WebAssembly component; this command is its host. It connects only to
/// a peer that presents a pinned leaf certificate and proves that it holds its key, puts the
/// guest's token in on the way out, and gives every call one deadline. Without a command it
/// runs `demo`.
#[derive(Parser)]
#[command(verbatim_doc_comment, name = "agentapi", version, styles = STYLES, after_help = AFTER_HELP, after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: ConnectionOptions,
    #[command(flatten)]
    pub(crate) host: HostOptions,
    #[command(flatten)]
    pub(crate) log: LogOptions,
    /// Print the agent's JSON; errors as JSON on stderr
    ///
    /// Over several lines on a terminal, else in one.
    #[arg(long, global = true, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show every operation against a mock agent in this process (what `agentapi` alone does)
    ///
    /// Starts a mock agent on the loopback interface, connects the component to it over TLS with the
    /// pin, uses every operation, and shows that a wrong pin is refused before the agent sees a
    /// request. Touches nothing else.
    #[command(verbatim_doc_comment)]
    Demo,
    /// Start a mock agent and print the lines that connect you to it
    ///
    /// Real TLS with a fresh certificate, all nine routes, state that behaves: backups run and end,
    /// formatted disks are blank, ejected ones are gone. Runs until interrupted.
    ///
    /// The token that it prints is a throw-away of this run, and good for this mock agent only.
    #[command(verbatim_doc_comment, after_long_help = crate::commands::mock::EXAMPLES)]
    Mock(MockOptions),
    /// Answer JSON Lines on stdin, each with one line on stdout: for programs
    ///
    /// One connected client for all lines; answers in the order of the lines, each as soon as it is
    /// there. Exit status 0 when every line was answered, whatever the answers say; 2 for wrong usage.
    #[command(verbatim_doc_comment, after_long_help = crate::commands::call::PROTOCOL)]
    Call(ConnectionOptions),
    /// Show the SHA-256 of the leaf certificate that an agent presents
    ///
    /// Opens a TLS connection and closes it: sends no request and no token, and trusts nothing. Whether
    /// the peer is the agent, only the host's operator can tell: compare what is shown with what they
    /// read on the host itself.
    #[command(verbatim_doc_comment)]
    Fingerprint {
        /// Where the agent listens: host, host:port, [v6] or [v6]:port
        #[arg(value_name = "ENDPOINT")]
        endpoint: String,
    },
    /// List what is mounted in this guest (GET /storage)
    Storage(ConnectionOptions),
    /// Backups of this guest: whether one is due, start one, follow it
    #[command(subcommand)]
    Backup(BackupCommand),
    /// Disks of this guest: list, assign, eject, format
    #[command(subcommand)]
    Disks(DisksCommand),
    /// Show how the host and its storage are doing (GET /host/metrics)
    Metrics(ConnectionOptions),
    /// Policy extensions: see what one wants, run one
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum BackupCommand {
    /// Say whether a backup is due, and why (GET /backup/due)
    Due(ConnectionOptions),
    /// Start a backup and return at once (POST /backup)
    ///
    /// Sent at most once. Where the answer was lost the backup may be running: see
    /// `agentapi backup status` before you start another.
    #[command(verbatim_doc_comment)]
    Start(ConnectionOptions),
    /// Say how far the latest backup is (GET /backup/status)
    Status(ConnectionOptions),
    /// Back up if one is due: freeze the applications, start, follow to the end, thaw, report
    ///
    /// At most one backup is started; where the answer to the start is lost, the status says what
    /// became of it. Whatever happens, the applications are thawed: when the backup has ended, when
    /// this command is interrupted or the lease ends, and by the next run after a crash. The report
    /// says what the backup is worth. Exit status 0 when it is done or none is due.
    #[command(verbatim_doc_comment, after_long_help = crate::commands::backup::run::EXAMPLES)]
    Run {
        #[command(flatten)]
        run: BackupRunOptions,
        #[command(flatten)]
        connection: ConnectionOptions,
    },
}

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
    /// unless a person agrees.
    #[command(after_long_help = "\
Example:
  agentapi policy check nightly.wasm > grants.toml
  agentapi policy run nightly.wasm --grants grants.toml --mock")]
    Run {
        #[command(flatten)]
        run: Box<RunOptions>,
        #[command(flatten)]
        connection: ConnectionOptions,
    },
}

#[derive(Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum DisksCommand {
    /// List disks, what they are used for and what is on them (GET /disks)
    ///
    /// A lock marks system and backup disks: those are formatted only when the host's operator signs.
    List(ConnectionOptions),
    /// Mount a disk (POST /disks/assign)
    #[command(after_long_help = "\
Example:
  agentapi disks assign uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33 /mnt/felhom/spare --fstype ext4")]
    Assign {
        #[command(flatten)]
        assign: AssignArgs,
        #[command(flatten)]
        connection: ConnectionOptions,
    },
    /// Unmount the disk that is mounted at a path, and let it go (POST /disks/eject)
    Eject {
        /// Where it is mounted, as in `agentapi disks list`
        #[arg(value_name = "MOUNTED-AT")]
        mounted_at: String,
        #[command(flatten)]
        connection: ConnectionOptions,
    },
    /// Format a disk, after a person confirmed it (POST /disks/format)
    ///
    /// The agent decides what the disk is. A blank one is formatted. For a user-data disk this command
    /// shows what is on it and asks you to type its durable id. A system or backup disk is refused, with
    /// the command by which the host's operator signs the operation.
    #[command(
        verbatim_doc_comment,
        after_long_help = "\
Examples:
  agentapi disks format /dev/sdc1 --fstype ext4
  agentapi disks format /dev/sdc1 --fstype ext4 --confirm uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10

The second is for scripts: whoever writes the durable id there has confirmed that this disk is wiped."
    )]
    Format {
        #[command(flatten)]
        format: FormatArgs,
        #[command(flatten)]
        connection: ConnectionOptions,
    },
}

/// What `disks assign` takes.
#[derive(Args)]
pub(crate) struct AssignArgs {
    /// The file system's UUID, or the durable id that holds it (uuid:..), as in `agentapi disks list`
    #[arg(value_name = "UUID")]
    pub(crate) uuid: String,
    /// Where to mount it: an absolute path
    #[arg(value_name = "WHERE")]
    pub(crate) mount_at: String,
    /// Its file system, such as ext4
    #[arg(long, value_name = "FSTYPE")]
    pub(crate) fstype: String,
    /// Mount options, separated by commas, such as noatime,nofail
    #[arg(long, value_name = "OPTIONS", default_value = "", hide_default_value = true)]
    pub(crate) options: String,
}

/// What `disks format` takes.
#[derive(Args)]
pub(crate) struct FormatArgs {
    /// The device, such as /dev/sdc1
    #[arg(value_name = "DEVICE")]
    pub(crate) device: String,
    /// The file system to make, such as ext4
    #[arg(long, value_name = "FSTYPE")]
    pub(crate) fstype: String,
    /// Confirm that the disk with this durable id is wiped, instead of typing it when asked
    #[arg(long, value_name = "DURABLE-ID")]
    pub(crate) confirm: Option<String>,
}
