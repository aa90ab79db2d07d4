//! `agentapi demo`: every operation against a mock agent in this process, and a wrong pin refused.

mod steps;
mod tour;

use std::collections::HashSet;
use std::time::Instant;

use agentapi_host::{Error, Host, PinMismatch, Route, Target};
use agentapi_mock::{MockAgent, Scenario};
use anyhow::{Context, bail, ensure};

use crate::commands::demo::steps::{Ledger, milliseconds};
use crate::print::print;
use crate::print::units::count;
use crate::session::{Session, block_on, single_threaded};

/// Runs the demo, and fails where it does not show what it is to show.
pub(crate) fn run(session: &Session) -> anyhow::Result<()> {
    block_on(single_threaded()?, tell(session))
}

async fn tell(session: &Session) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut scenario = Scenario::default();
    scenario.backup.duration_ms = BACKUP_MS;
    let mock = MockAgent::builder().scenario(scenario).start().await.context("the mock agent cannot be started")?;
    let pin = mock.fingerprint().to_string();
    let target = Target::parse(&mock.endpoint(), mock.token(), [&pin])?;
    introduce(&mock)?;

    let mut ledger = Ledger::begin();
    let host = session.host.build()?;
    ledger.note("component loaded")?;
    let agent = host.agent(target)?;
    ledger.note("connected: pins and token are set, nothing is sent yet")?;

    tour::tell(&agent, &mut ledger).await?;
    refuse_another_pin(&host, &mock, &mut ledger).await?;
    conclude(&mock, begun)
}

fn introduce(mock: &MockAgent) -> anyhow::Result<()> {
    Ok(print(&format!(
        "The component, over TLS, against a mock agent in this process\n\n  \
         endpoint  {}\n  pin       {}\n  token     in the host only: the component is given a stand-in\n\n",
        mock.endpoint(),
        mock.fingerprint()
    ))?)
}

/// Connects with the pin of a certificate that the agent does not present.
async fn refuse_another_pin(host: &Host, mock: &MockAgent, ledger: &mut Ledger) -> anyhow::Result<()> {
    let pin = mock.next_fingerprint();
    let agent = host.agent(Target::parse(&mock.endpoint(), mock.token(), [pin.to_string()])?)?;
    let before = mock.requests().len();
    let outcome = agent.storage().await;
    let after = mock.requests().len();
    let Err(Error::PinMismatch { source: PinMismatch::OtherLeaf { presented, .. }, .. }) = outcome else {
        bail!("a wrong pin was to be refused, found {outcome:?}");
    };
    ensure!(before == after, "a wrong pin was refused, and yet the agent saw a request");
    let outcome = format!("with a wrong pin: refused in the handshake\nexpected  {pin}\npresented {presented}");
    ledger.step(Route::Storage, &outcome)?;
    Ok(ledger.detail(&format!("the agent saw no request: {before} before, {after} after"))?)
}

/// Counts what the agent saw, which is more than the client's word for it.
fn conclude(mock: &MockAgent, begun: Instant) -> anyhow::Result<()> {
    let requests = mock.requests();
    let routes: HashSet<_> = requests.iter().map(|request| (&request.method, &request.path)).collect();
    let connections: HashSet<_> = requests.iter().map(|request| request.connection).collect();
    ensure!(routes.len() == Route::ALL.len(), "expected a request on each of the agent's routes, found {routes:?}");
    Ok(print(&format!(
        "\nDone in {}: all nine operations and both helpers, {} on {} over {}; a wrong pin was refused.\n\n{NEXT}",
        milliseconds(begun.elapsed()),
        count(requests.len(), "request"),
        count(routes.len(), "route"),
        count(connections.len(), "connection"),
    ))?)
}

/// How long the backup of the demo runs, in milliseconds: long enough to be seen running.
const BACKUP_MS: u64 = 150;
const NEXT: &str = "\
Next:
  agentapi mock      a mock agent that stays, with the lines that connect you to it
  agentapi --help    every command, and how to name a real agent
";
