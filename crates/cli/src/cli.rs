//! The command line: global options, the list of subcommands, and the help for them. The options of a subcommand are
//! beside its code in `commands/`.

mod if_named;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub(crate) use crate::cli::if_named::IfNamed;
use crate::cli::if_named::define_for;
use crate::commands::approvals::ApprovalsCommand;
use crate::commands::backup::BackupCommand;
use crate::commands::call;
use crate::commands::console::{self, ConsoleOptions};
use crate::commands::disks::DisksCommand;
use crate::commands::events::EventsOptions;
use crate::commands::fingerprint::FingerprintOptions;
use crate::commands::fleet::FleetOptions;
use crate::commands::listing::ListingOptions;
use crate::commands::mock::{self, MockOptions};
use crate::commands::notify::NotifyCommand;
use crate::commands::policy::PolicyCommand;
use crate::commands::record::{self, RecordOptions};
use crate::commands::runs::RunsCommand;
use crate::commands::schedule::ScheduleCommand;
use crate::commands::serve::ServeOptions;
use crate::commands::thaw::{self, ThawOptions};
use crate::print::width::stdout_columns;
use crate::process::log::LogOptions;
use crate::session::daemon::DaemonOptions;
use crate::session::host::HostOptions;
use crate::session::target::TargetOptions;
use crate::status;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

// These texts are in lines of 80 columns at most: clap would break longer ones without regard to what they line up with.
const AFTER_HELP: &str = "\
No agent at hand? `agentapi` alone shows everything against a mock agent;
`agentapi mock` starts one to play with.
Exit status: 0 done, 1 failed, 2 wrong usage; --help has the others.";

const EXAMPLES: &str = "\
Examples:
  agentapi                                a tour, against a mock agent
  agentapi mock                           a mock agent, and the three lines that
                                          connect you to it
  agentapi fingerprint 10.0.0.1:8443      what an agent presents, to compare
                                          before you pin it
  agentapi disks list                     disks, with what they are used for
  agentapi disks list --json | jq .disks  the same for programs
  agentapi check                          what needs attention, for monitoring
  echo '{\"id\":1,\"op\":\"storage\"}' | agentapi call

An agent is named by three things, which the host's operator gives you:
  export AGENTAPI_ENDPOINT=10.0.0.1:8443
  export AGENTAPI_FINGERPRINT=3F:8A:..
         SHA-256 of its leaf certificate; several separated by commas
  export AGENTAPI_TOKEN_FILE=/path/to/token
         or the token itself in AGENTAPI_TOKEN; it is never an argument

Environment:
  AGENTAPI_CACHE_DIR  where compiled code is kept (default: agentapi in
                      $XDG_CACHE_HOME or ~/.cache); empty: nowhere
  AGENTAPI_LOG        as --log
  COLUMNS             how wide tables and texts are, instead of the terminal
  NO_COLOR            no colours";

fn after_long_help() -> String {
    format!("{EXAMPLES}\n\n{}", status::TABLE)
}

/// Talks to a host agent over HTTPS with a pinned certificate.
///
/// The client itself is a WebAssembly component; this command is its host. It connects only to
/// a peer that presents a pinned leaf certificate and proves that it holds its key, puts the
/// guest's token in on the way out, and gives every call one deadline. Without a command it
/// runs `demo`.
#[derive(Parser)]
#[command(name = "agentapi", version, styles = STYLES, after_help = AFTER_HELP, after_long_help = after_long_help())]
pub(crate) struct Cli {
    // Not `global = true`, as the options below are: `demo` and `mock` talk to no agent of the user's, and clap would
    // accept these there too.
    #[command(flatten)]
    pub(crate) target: TargetOptions,
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

impl Cli {
    /// Parses the arguments of this process. A help that is asked for is as wide as the terminal, but not wider than can
    /// be read with ease.
    pub(crate) fn parse_arguments() -> Result<Self, clap::Error> {
        let columns = stdout_columns().unwrap_or(COLUMNS_OF_A_FILE).min(READABLE_COLUMNS);
        let arguments: Vec<_> = std::env::args_os().collect();
        let mut command = define_for(arguments.clone(), Self::command).term_width(columns);
        let mut matches = command.try_get_matches_from_mut(arguments)?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }
}

/// As wide is a help that goes into a file or a pager.
const COLUMNS_OF_A_FILE: usize = 80;
/// In longer lines the eye does not find the next one.
const READABLE_COLUMNS: usize = 100;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show every operation against a mock agent in this process (what `agentapi` alone does)
    ///
    /// Starts a mock agent on the loopback interface, connects the component to it over TLS with the
    /// pin, uses every operation, and shows that a wrong pin is refused before the agent sees a
    /// request. Touches nothing else.
    Demo,
    /// Start a mock agent and print the lines that connect you to it
    ///
    /// Real TLS with a fresh certificate, all nine routes, state that behaves: backups run and end,
    /// formatted disks are blank, ejected ones are gone. Runs until interrupted.
    ///
    /// The token that it prints is a throw-away of this run, and good for this mock agent only.
    #[command(after_long_help = mock::EXAMPLES)]
    Mock(IfNamed<MockOptions>),
    /// Record what an agent answers, while a client works with it through this command
    ///
    /// Listens on the loopback interface, passes each request on to the agent with the pin, and writes
    /// what comes back to a file, which `agentapi mock --replay` plays. Runs until interrupted.
    #[command(after_long_help = record::EXAMPLES)]
    Record(IfNamed<RecordOptions>),
    /// Answer JSON Lines on stdin, each with one line on stdout: for programs
    ///
    /// One connected client for all lines; answers in the order of the lines, each as soon as it is
    /// there. Exit status 0 when every line was answered, whatever the answers say; 2 for wrong usage.
    #[command(after_long_help = call::PROTOCOL)]
    Call(IfNamed<TargetOptions>),
    /// Show the SHA-256 of the leaf certificate that an agent presents
    ///
    /// Opens a TLS connection and closes it: sends no request and no token, and trusts nothing. Whether
    /// the peer is the agent, only the host's operator can tell: compare what is shown with what they
    /// read on the host itself.
    Fingerprint(IfNamed<FingerprintOptions>),
    /// List what is mounted in this guest (GET /storage)
    Storage(IfNamed<ListingOptions>),
    /// Backups of this guest: whether one is due, start one, follow it
    #[command(subcommand)]
    Backup(IfNamed<BackupCommand>),
    /// Thaw what a run that was killed left frozen; needs its journal and nothing else
    #[command(after_long_help = thaw::NOTES)]
    Thaw(IfNamed<ThawOptions>),
    /// Disks of this guest: list, assign, eject, format, wipe
    #[command(subcommand)]
    Disks(IfNamed<DisksCommand>),
    /// Show how the host and its storage are doing (GET /host/metrics)
    Metrics(IfNamed<ListingOptions>),
    /// Look at everything once, and say what needs attention: for monitoring programs, and for people
    ///
    /// Asks for storage, backups, disks and the host. The first line is the summary, in the form of monitoring
    /// plugins, such as `WARNING - 1 warning: ..`; then one line for each finding, the most urgent first. The
    /// thresholds are those of the extension disk-watch.
    ///
    /// The exit status is that of monitoring plugins and not that of the other commands: 0 nothing needs attention,
    /// 1 warning, 2 critical, 3 unknown: the agent cannot be asked, or the command line is wrong.
    Check(IfNamed<TargetOptions>),
    /// Run the controller of this guest: backups and extensions on schedules, day and night
    ///
    /// Runs until SIGTERM or Ctrl-C; then what runs is stopped, what is frozen is thawed, and the rest
    /// is written down. `serve --mock` shows all of it without an agent or a configuration.
    Serve(IfNamed<ServeOptions>),
    /// Say what the controller runs, what is due and what is frozen
    Status(IfNamed<DaemonOptions>),
    /// The controller's runs: list, show, log, stop
    Runs {
        #[command(flatten)]
        daemon: DaemonOptions,
        #[command(subcommand)]
        command: Option<IfNamed<RunsCommand>>,
    },
    /// Wipes that wait for a person: list, show, approve, refuse
    Approvals {
        #[command(flatten)]
        daemon: DaemonOptions,
        #[command(subcommand)]
        command: Option<IfNamed<ApprovalsCommand>>,
    },
    /// The controller's schedules: run something now, pause, resume
    Schedule {
        #[command(flatten)]
        daemon: DaemonOptions,
        #[command(subcommand)]
        command: IfNamed<ScheduleCommand>,
    },
    /// Who is told of what the controller finds: list, send a test message
    Notify {
        #[command(flatten)]
        daemon: DaemonOptions,
        #[command(subcommand)]
        command: Option<IfNamed<NotifyCommand>>,
    },
    /// What happened in the controller, and with --follow what happens
    Events(IfNamed<EventsOptions>),
    /// Open the controller's pages in a browser: disks, backups, the host, approvals
    ///
    /// Listens on loopback until interrupted, and passes on what comes with the cookie that the printed link
    /// leaves. The pages may do what you may do at the socket.
    #[command(after_long_help = console::EXAMPLES)]
    Console(IfNamed<ConsoleOptions>),
    /// Many guests on one bus: list them, their backups, what happens
    Fleet(IfNamed<FleetOptions>),
    /// Policy extensions: see what one wants, run one
    #[command(subcommand)]
    Policy(IfNamed<PolicyCommand>),
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Cli;

    fn check(command: &Command, seen: &mut usize) {
        let texts = [command.get_after_help(), command.get_after_long_help(), command.get_before_help()];
        for line in
            texts.into_iter().flatten().flat_map(|text| text.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            *seen += 1;
        }
        command.get_subcommands().for_each(|command| check(command, seen));
    }

    #[test]
    fn texts_that_line_up_fit_80_columns() {
        let mut seen = 0;
        check(&Cli::command(), &mut seen);
        assert!(seen > 100, "only {seen} lines");
    }
}
