//! `agentapi fleet rollout`: an extension goes through the rings.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::clock::SystemClock;
use agentapi_fleet::bundle::Bundle;
use agentapi_fleet::coordinator::Coordinator;
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::overview::Overview;
use agentapi_fleet::rollout::{Rollout, RolloutState};
use agentapi_registry::signature::{beside, unchecked};
use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::{RolloutCommand, WaitOption};
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;

/// `fleet rollout status`.
#[derive(Serialize)]
struct RolloutList {
    rollouts: Vec<RolloutRow>,
}

#[derive(Serialize)]
struct RolloutRow {
    #[serde(flatten)]
    rollout: Rollout,
    /// Guests of the latest ring that have not run it yet.
    waits_for: Vec<String>,
}

/// Begins one, or says how they are, or changes one.
pub(super) async fn run(bus: &NatsBus, command: &RolloutCommand, output: Output) -> anyhow::Result<()> {
    match command {
        RolloutCommand::Start { file, name, rings, waiting } => {
            if !rings.is_sorted_by(|a, b| a < b) {
                return Err(
                    UsageError(format!("expected rings from small to large, each once, found {rings:?}")).into()
                );
            }
            let digest = read(file)?.put(bus).await?;
            let rollout = Rollout::begin(bus, name, digest, rings.clone(), Timestamp::now()).await?;
            follow(bus, rollout, waiting, output).await
        }
        RolloutCommand::Status => {
            let overview = Overview::read(bus).await?;
            let mut rollouts: Vec<_> =
                Rollout::all(bus).await?.into_iter().map(|(rollout, _)| row(rollout, &overview)).collect();
            rollouts.sort_by(|a, b| a.rollout.extension.cmp(&b.rollout.extension));
            Ok(output.show(&RolloutList { rollouts }, ToString::to_string)?)
        }
        RolloutCommand::Stop { name } => {
            let stopped = RolloutState::Stopped { why: "a person has stopped it".into() };
            let rollout = Rollout::set(bus, name, stopped).await?;
            Ok(output.show(&rollout, describe)?)
        }
        RolloutCommand::Rollback { name, waiting } => {
            let rollout = Rollout::set(bus, name, RolloutState::RollingBack).await?;
            follow(bus, rollout, waiting, output).await
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Bundle> {
    let wasm = fs::read(file).with_context(|| format!("the extension in {}", file.display()))?;
    let signature = beside(file);
    let text = fs::read_to_string(&signature)
        .with_context(|| format!("the signature in {}, which `agentapi policy sign` makes", signature.display()))?;
    // Whose word counts is each guest's matter.
    unchecked(&text).with_context(|| format!("the signature in {}", signature.display()))?;
    Ok(Bundle { wasm, signature: text })
}

/// Says what was begun, or plans until it has ended.
async fn follow(bus: &NatsBus, rollout: Rollout, waiting: &WaitOption, output: Output) -> anyhow::Result<()> {
    let ended = if waiting.wait { plan(bus, rollout).await? } else { rollout };
    output.show(&ended, describe)?;
    match ended.state {
        RolloutState::Stopped { .. } => Err(CommandError::new("the roll-out was stopped").into()),
        _ => Ok(()),
    }
}

async fn plan(bus: &NatsBus, mut rollout: Rollout) -> anyhow::Result<Rollout> {
    let mut coordinator = Coordinator::new(Arc::new(bus.clone()), Arc::new(SystemClock), "agentapi fleet rollout");
    while rollout.is_going_on() {
        // Where another one has the lease, that one plans.
        coordinator.look().await?;
        let found = Rollout::all(bus).await?.into_iter().find(|(found, _)| found.extension == rollout.extension);
        let (found, _) = found.ok_or_else(|| CommandError::new("the bus has forgotten the roll-out"))?;
        rollout = found;
        if rollout.is_going_on() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    coordinator.end().await;
    Ok(rollout)
}

fn row(rollout: Rollout, overview: &Overview) -> RolloutRow {
    let waits_for = rollout.waits_for(overview).iter().map(ToString::to_string).collect();
    RolloutRow { rollout, waits_for }
}

fn describe(rollout: &Rollout) -> String {
    let name = visible(&rollout.extension);
    let rings = rollout.rings.len();
    match &rollout.state {
        RolloutState::Running => {
            format!("{name} is in ring {} of {rings}: agentapi fleet rollout status\n", rollout.reached)
        }
        RolloutState::Stopped { why } => {
            format!("{name} goes no further than ring {} of {rings}: {}\n", rollout.reached, visible(why))
        }
        RolloutState::Done => format!("{name} is in all {rings} rings.\n"),
        RolloutState::RollingBack => {
            format!("{name} is taken back by the coordinator: agentapi fleet rollout status\n")
        }
        RolloutState::RolledBack => format!("The rings are wished what they were before {name}.\n"),
    }
}

impl fmt::Display for RolloutList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rollouts.is_empty() {
            return f.write_str("There is no roll-out: agentapi fleet rollout start --name NAME FILE\n");
        }
        let mut table = Table::new(&COLUMNS);
        for RolloutRow { rollout, waits_for } in &self.rollouts {
            let (is, why) = match &rollout.state {
                RolloutState::Running if waits_for.is_empty() => ("running", String::new()),
                RolloutState::Running => ("running", format!("waits for {}", waits_for.join(", "))),
                RolloutState::Stopped { why } => ("stopped", why.clone()),
                RolloutState::Done => ("done", String::new()),
                RolloutState::RollingBack => ("rolling back", String::new()),
                RolloutState::RolledBack => ("rolled back", String::new()),
            };
            let reached = rollout.rings.get(..rollout.reached).unwrap_or(&rollout.rings);
            let reached: Vec<_> = reached.iter().map(u8::to_string).collect();
            let rings = format!("{} of {}", reached.join(", "), rollout.rings.len());
            let digest = rollout.digest.get(..SHOWN_DIGITS).unwrap_or_default();
            table.row([rollout.extension.as_str(), is, &rings, &why, digest].map(Into::into));
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

const COLUMNS: [Column; 5] = [
    Column::value("EXTENSION", 1),
    Column::words("IS", 2),
    Column::words("IN RINGS", 3),
    Column::words("WHY", 4),
    Column::value("SHA-256", 5),
];

/// Enough to tell two versions apart by eye.
const SHOWN_DIGITS: usize = 12;
const LOOK_EVERY: Duration = Duration::from_secs(2);
