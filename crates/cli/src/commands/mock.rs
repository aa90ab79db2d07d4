//! `agentapi mock`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use agentapi_mock::{FaultRule, MockAgent, Scenario};
use anyhow::Context;
use clap::Args;
use serde_json::json;

use crate::print::{print, print_json};
use crate::process::signals::Interruption;
use crate::session::{block_on, single_threaded};

/// The options of `agentapi mock`.
#[derive(Args)]
pub(crate) struct MockOptions {
    /// Listen here; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", help_heading = "Mock agent")]
    listen: SocketAddr,
    /// Start with the disks, mounts and metrics in FILE: TOML, or JSON where its name ends in .json
    #[arg(long, value_name = "FILE", help_heading = "Mock agent")]
    scenario: Option<PathBuf>,
    /// Let something go wrong: ROUTE:FAULT[=VALUE][*TIMES]; again for more
    #[arg(long, value_name = "RULE", help_heading = "Mock agent")]
    fault: Vec<FaultRule>,
    /// Print a scenario file with every part in it, to start your own from, and end
    #[arg(long, help_heading = "Mock agent")]
    print_scenario: bool,
}

/// Runs a mock agent until interrupted.
pub(crate) fn run(options: &MockOptions, json: bool) -> anyhow::Result<()> {
    if options.print_scenario {
        return Ok(print(Scenario::EXAMPLE)?);
    }
    let mut scenario = options.scenario.as_deref().map(Scenario::read).transpose()?.unwrap_or_default();
    scenario.faults.extend(&options.fault);
    block_on(single_threaded()?, async {
        let builder = MockAgent::builder().scenario(scenario).listen(options.listen);
        let agent = builder.start().await.with_context(|| format!("cannot listen on {}", options.listen))?;
        // Before it is announced: whoever reads the lines may interrupt at once.
        let mut interrupted = Interruption::expect().context("signals cannot be waited for")?;
        announce(&agent, json)?;
        interrupted.come().await;
        agent.stop().await;
        Ok(())
    })
}

fn announce(agent: &MockAgent, json: bool) -> io::Result<()> {
    let (endpoint, fingerprint, token) = (agent.endpoint(), agent.fingerprint().to_string(), agent.token());
    if json {
        return print_json(&json!({ "endpoint": endpoint, "fingerprint": fingerprint, "token": token }));
    }
    print(&format!(
        "# A mock agent listens on {endpoint} until interrupted (Ctrl-C). In another terminal, paste:\n\
         export AGENTAPI_ENDPOINT={endpoint}\n\
         export AGENTAPI_FINGERPRINT={fingerprint}\n\
         export AGENTAPI_TOKEN={}\n\
         # and then, for example: agentapi disks list\n",
        quoted(token)
    ))
}

/// A token may hold any printable character: in a scenario it is of the author's choice.
fn quoted(token: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if token.chars().all(is_plain) { token.into() } else { format!("'{}'", token.replace('\'', r"'\''")) }
}

/// Shown below the long help.
pub(crate) const EXAMPLES: &str = "\
Examples:
  agentapi mock
  agentapi mock --print-scenario > mine.toml && agentapi mock --scenario mine.toml
  agentapi mock --fault storage:latency=2000 --fault 'start-backup:reset-at=40*1' --fault any:status=503*2

ROUTE is storage, backup-due, start-backup, backup-status, disks, assign-disk, eject-disk, format-disk, host-metrics or
any. FAULT is one of latency=MS, drip=MS, reset-at=BYTES, close-before-answer, close-after-answer, half-body,
wrong-length=+N or -N, malformed-json, status=CODE, unauthorized, new-certificate, slow-handshake=MS,
connection-limit=N. Without *TIMES it stays.

With --json the endpoint, fingerprint and token are one JSON object in one line.";

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_token_is_one_word_for_a_shell() {
        assert_eq!(quoted("0af3"), "0af3");
        assert_eq!(quoted("$(x)"), "'$(x)'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
