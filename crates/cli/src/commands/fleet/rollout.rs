//! `agentapi fleet rollout`: an extension goes through the rings.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use agentapi_controller::board::short_digest;
use agentapi_controller::clock::SystemClock;
use agentapi_fleet::bundle::Bundle;
use agentapi_fleet::coordinator::{Coordinator, RETRY_FOR, WaitError, WaitNotice};
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::overview::Overview;
use agentapi_fleet::rollout::{Rollout, RolloutState};
use agentapi_host::error_chain;
use agentapi_registry::signature::{beside, unchecked};
use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::{RolloutCommand, WaitOption};
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::{Column, Table};
use crate::print::units::duration;
use crate::print::width::stdout_columns;
use crate::process::stderr::stderr;

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
            let bundle = read(file)?;
            let rings = chosen_rings(bus, name, rings).await?;
            let digest = bundle.put(bus).await?;
            let rollout = Rollout::begin(bus, name, digest, rings, Timestamp::now()).await?;
            show_or_wait(bus, rollout, waiting, &RolloutState::Done, output).await
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
            show_or_wait(bus, rollout, waiting, &RolloutState::RolledBack, output).await
        }
    }
}

/// The rings that were named; where none were, all in which a guest lets the fleet change the extension.
async fn chosen_rings(bus: &NatsBus, extension: &str, named: &[u8]) -> anyhow::Result<Vec<u8>> {
    if !named.is_sorted_by(|a, b| a < b) {
        return Err(UsageError(format!("expected rings from small to large, each once, found {named:?}")).into());
    }
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let rings = Rollout::rings_with(&Overview::read(bus).await?, extension);
    if rings.is_empty() {
        let text = format!("expected a guest whose [fleet] extensions names {extension}, found none");
        return Err(CommandError::new(text).into());
    }
    Ok(rings)
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

/// Says what was begun, or waits until it has ended. An end that is not the wanted one is an error.
async fn show_or_wait(
    bus: &NatsBus,
    rollout: Rollout,
    waiting: &WaitOption,
    wanted: &RolloutState,
    output: Output,
) -> anyhow::Result<()> {
    if !waiting.wait {
        return Ok(output.show(&rollout, describe)?);
    }
    let ended = wait(bus, rollout).await?;
    output.show(&ended, describe)?;
    Ok(check_end(&ended, wanted)?)
}

fn check_end(ended: &Rollout, wanted: &RolloutState) -> Result<(), CommandError> {
    if ended.state == *wanted {
        return Ok(());
    }
    let name = visible(&ended.extension);
    Err(CommandError::new(match &ended.state {
        RolloutState::Stopped { why } => format!("the roll-out of {name} was stopped: {}", visible(why)),
        RolloutState::RolledBack => format!("the roll-out of {name} was rolled back before its end"),
        _ => format!("the roll-out of {name} ended otherwise than was wished"),
    }))
}

async fn wait(bus: &NatsBus, rollout: Rollout) -> Result<Rollout, WaitError> {
    let mut coordinator = Coordinator::new(Arc::new(bus.clone()), Arc::new(SystemClock), "agentapi fleet rollout");
    let tell = |notice| stderr().print(format!("{}\n", notice_text(&notice)));
    let ended = coordinator.wait_for(rollout, tell).await;
    coordinator.end().await;
    ended
}

fn notice_text(notice: &WaitNotice) -> String {
    match notice {
        WaitNotice::OtherPlans => "another coordinator has the lease and plans; waiting for what it does".to_owned(),
        WaitNotice::Plans => "no other coordinator has the lease any more; this command plans".to_owned(),
        WaitNotice::BusFails(why) => {
            let limit = duration(RETRY_FOR.as_secs() as i64);
            format!("{}; asking again for {limit}", visible(&error_chain(why)))
        }
        WaitNotice::BusAnswers => "the bus answers again".to_owned(),
    }
}

fn row(rollout: Rollout, overview: &Overview) -> RolloutRow {
    let waits_for = rollout.waits_for(overview).iter().map(ToString::to_string).collect();
    RolloutRow { rollout, waits_for }
}

fn describe(rollout: &Rollout) -> String {
    let name = visible(&rollout.extension);
    let (all, reached) = (ring_names(&rollout.rings), ring_names(rollout.reached_rings()));
    match &rollout.state {
        RolloutState::Running => {
            format!("{name} goes through {all}, and has reached {reached}: agentapi fleet rollout status\n")
        }
        RolloutState::Stopped { why } => {
            format!("{name} was to go through {all}, and goes no further than {reached}: {}\n", visible(why))
        }
        RolloutState::Done => format!("{name} is in {all}.\n"),
        RolloutState::RollingBack => {
            format!("{name} is taken back in {reached} by the coordinator: agentapi fleet rollout status\n")
        }
        RolloutState::RolledBack => format!("What was wished before {name} is wished again of {reached}.\n"),
    }
}

/// `ring 1`, `ring 1 and 9`, or `ring 1, 2 and 9`.
fn ring_names(rings: &[u8]) -> String {
    let names: Vec<_> = rings.iter().map(u8::to_string).collect();
    match names.split_last() {
        Some((last, [])) => format!("ring {last}"),
        Some((last, others)) => format!("ring {} and {last}", others.join(", ")),
        None => "no ring".to_owned(),
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
            let reached: Vec<_> = rollout.reached_rings().iter().map(u8::to_string).collect();
            let rings = format!("{} of {}", reached.join(", "), rollout.rings.len());
            let digest = short_digest(&rollout.digest);
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

#[cfg(test)]
mod tests {
    use agentapi_fleet::rollout::{Rollout, RolloutState};

    use super::{check_end, describe};

    fn rollout(reached: usize, state: RolloutState) -> Rollout {
        Rollout {
            extension: "disk-watch".into(),
            digest: "ab".repeat(32),
            rings: vec![1, 2, 9],
            reached,
            before: Default::default(),
            wished: Default::default(),
            state,
            began: Default::default(),
        }
    }

    #[test]
    fn what_is_said_of_a_rollout_names_its_rings() {
        let stopped = RolloutState::Stopped { why: "web1: it trapped".into() };
        for (reached, state, text) in [
            (1, RolloutState::Running, "disk-watch goes through ring 1, 2 and 9, and has reached ring 1: "),
            (2, stopped, "disk-watch was to go through ring 1, 2 and 9, and goes no further than ring 1 and 2: web1: "),
            (3, RolloutState::Done, "disk-watch is in ring 1, 2 and 9.\n"),
            (2, RolloutState::RollingBack, "disk-watch is taken back in ring 1 and 2 by the coordinator: "),
            (1, RolloutState::RolledBack, "What was wished before disk-watch is wished again of ring 1.\n"),
        ] {
            let found = describe(&rollout(reached, state));
            assert!(found.starts_with(text), "{found}");
        }
    }

    #[test]
    fn an_end_that_is_not_the_wanted_one_is_an_error_that_says_what_happened() {
        use RolloutState::{Done, RolledBack, Stopped};

        for (state, wanted) in [(Done, Done), (RolledBack, RolledBack)] {
            check_end(&rollout(3, state), &wanted).unwrap();
        }
        let stopped = Stopped { why: "web1: it trapped".into() };
        for (state, text) in [
            (stopped, "the roll-out of disk-watch was stopped: web1: it trapped"),
            (RolledBack, "the roll-out of disk-watch was rolled back before its end"),
        ] {
            assert_eq!(check_end(&rollout(2, state), &Done).unwrap_err().to_string(), text);
        }
    }
}
