//! Does what was asked for, and prints.

use agentapi_fleet::name::GuestName;
use agentapi_fleet::overview::Overview;
use jiff::Timestamp;

use super::describe::{backups, guests, made, one};
use super::{FleetCommand, FleetOptions, events, rollout, signing, slots, users, want};
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::process::runtime::{block_on, single_threaded};

/// Runs a command.
pub(crate) fn run(options: &FleetOptions, output: Output) -> anyhow::Result<()> {
    if let FleetCommand::Users { keys, guests } = &options.command {
        return users::run(keys, guests, output);
    }
    block_on(single_threaded()?, async {
        let bus = options.bus.connect().await?;
        let now = Timestamp::now();
        match &options.command {
            FleetCommand::Users { .. } => Ok(()),
            FleetCommand::Init => Ok(output.show(&made(&bus.make_objects().await?), |made| made.to_string())?),
            FleetCommand::Ls => Ok(output.show(&guests(&Overview::read(&bus).await?, now), ToString::to_string)?),
            FleetCommand::Show { guest } => {
                let name = guest.parse::<GuestName>().map_err(|why| UsageError(why.to_string()))?;
                let overview = Overview::read(&bus).await?;
                let none =
                    || CommandError::new(format!("the bus knows no guest {name}: `agentapi fleet ls` lists them"));
                let view = overview.guest(&name).ok_or_else(none)?;
                Ok(output.show(&one(&name, view, now), ToString::to_string)?)
            }
            FleetCommand::Backups => Ok(output.show(&backups(&Overview::read(&bus).await?, now), ToString::to_string)?),
            FleetCommand::Order { guest, op: _, signing } => signing::order(&bus, guest, signing, output).await,
            FleetCommand::Want(command) => want::run(&bus, command, output).await,
            FleetCommand::Slots(command) => slots::run(&bus, command, output).await,
            FleetCommand::Rollout(command) => rollout::run(&bus, command, output).await,
            FleetCommand::Approvals(command) => signing::approvals(&bus, command, output).await,
            FleetCommand::Events { follow, guest, severity } => {
                let filter = events::Filter::new(guest.as_deref(), severity)?;
                events::run(&bus, *follow, &filter, output).await
            }
        }
    })
}
