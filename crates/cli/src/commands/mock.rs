//! `agentapi mock`: a mock agent in this process, until it is interrupted.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use agentapi_mock::{FaultRule, MockAgent, Recording, Scenario};
use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::print::{Output, json_text, print, write};
use crate::process::runtime::{block_on, single_threaded};
use crate::process::signals::Termination;
use crate::session::Session;

/// What `mock` takes.
#[derive(Args)]
pub(crate) struct MockOptions {
    /// Listen on ADDRESS; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", help_heading = "Mock agent")]
    listen: SocketAddr,
    /// Start with the disks, mounts and metrics in FILE: TOML, or JSON where its name ends in .json
    #[arg(long, value_name = "FILE", help_heading = "Mock agent")]
    scenario: Option<PathBuf>,
    /// Inject a fault: ROUTE:FAULT[=VALUE][*TIMES]; repeatable
    #[arg(long, value_name = "RULE", help_heading = "Mock agent")]
    fault: Vec<FaultRule>,
    /// Answer as in the recording in FILE, which `agentapi record` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "scenario", help_heading = "Mock agent")]
    replay: Option<PathBuf>,
    /// Let recorded answers take their recorded time, divided by N [default: at once]
    #[arg(long, value_name = "N", requires = "replay", value_parser = parse_speed, help_heading = "Mock agent")]
    replay_speed: Option<f64>,
    /// Print a complete scenario file to start your own from, and exit
    #[arg(long, help_heading = "Mock agent")]
    print_scenario: bool,
}

/// Runs a mock agent until interrupted.
pub(crate) fn run(session: &Session, options: &MockOptions) -> anyhow::Result<()> {
    if options.print_scenario {
        return Ok(print(Scenario::EXAMPLE)?);
    }
    let mut scenario = options.scenario.as_deref().map(Scenario::read).transpose()?.unwrap_or_default();
    scenario.faults.extend(&options.fault);
    block_on(single_threaded()?, async {
        let mut builder = MockAgent::builder().scenario(scenario).listen(options.listen);
        if let Some(file) = &options.replay {
            builder = builder.replay(Recording::read(file)?);
        }
        if let Some(speed) = options.replay_speed {
            builder = builder.replay_speed(speed);
        }
        let agent = builder.start().await.with_context(|| format!("cannot listen on {}", options.listen))?;
        // Before the lines are printed: a program that reads them may send SIGTERM at once.
        let mut termination = Termination::handle().context("signals cannot be waited for")?;
        print_target(&agent, "A mock agent", session.output)?;
        termination.recv().await;
        agent.stop().await;
        Ok(())
    })
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| "expected a number above 0, such as 1 or 10".to_owned())
}

/// Prints what connects other commands to this agent, which is named by `what`.
pub(crate) fn print_target(agent: &MockAgent, what: &str, output: Output) -> io::Result<()> {
    if output.json { print_target_as_json(agent) } else { print_exports(agent, what) }
}

fn print_target_as_json(agent: &MockAgent) -> io::Result<()> {
    let (endpoint, fingerprint, token) = (agent.endpoint(), agent.fingerprint().to_string(), agent.token());
    write(&json_text(&json!({ "endpoint": endpoint, "fingerprint": fingerprint, "token": token })))
}

/// Prints the variables that connect other commands to this agent, as lines for a shell.
fn print_exports(agent: &MockAgent, what: &str) -> io::Result<()> {
    let (endpoint, fingerprint, token) = (agent.endpoint(), agent.fingerprint(), shell_word(agent.token()));
    write(&format!(
        "# {what} listens on {endpoint} until interrupted (Ctrl-C).\n\
         # In another terminal, paste:\n\
         export AGENTAPI_ENDPOINT={endpoint}\n\
         export AGENTAPI_FINGERPRINT={fingerprint}\n\
         export AGENTAPI_TOKEN={token}\n\
         # and then, for example: agentapi disks list\n"
    ))
}

/// Quotes a token for a POSIX shell. A random token needs no quotes, but one from a scenario file may hold any
/// printable character.
fn shell_word(token: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if token.chars().all(is_plain) { token.into() } else { format!("'{}'", token.replace('\'', r"'\''")) }
}

/// Printed below the long help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  agentapi mock
  agentapi mock --print-scenario > mine.toml
  agentapi mock --scenario mine.toml
  agentapi mock --fault storage:latency=2000 --fault any:status=503*2
  agentapi mock --fault 'start-backup:reset-at=40*1'
  agentapi mock --replay customer.jsonl --replay-speed 1

ROUTE is storage, backup-due, start-backup, backup-status, disks, assign-disk,
eject-disk, format-disk, host-metrics or any. FAULT is one of latency=MS,
drip=MS, reset-at=BYTES, close-before-answer, close-after-answer, half-body,
wrong-length=+N or -N, malformed-json, status=CODE, unauthorized,
new-certificate, slow-handshake=MS, connection-limit=N. Without *TIMES it stays.

Of a recording, each operation has its answers in the recorded order. A GET
beyond the recorded ones is answered like the last, a POST with status 410.

With --json the endpoint, fingerprint and token are one JSON object in one line.";

#[cfg(test)]
mod tests {
    use super::shell_word;

    #[test]
    fn a_token_is_one_word_for_a_shell() {
        assert_eq!(shell_word("0af3"), "0af3");
        assert_eq!(shell_word("$(x)"), "'$(x)'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
    }
}
