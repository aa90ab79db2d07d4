//! `agentapi fleet slots`: how many back up at once, who does, and who waits.

use std::fmt;

use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::slots::{Group, Place, groups, set_max};
use jiff::Timestamp;
use serde::Serialize;

use super::SlotsCommand;
use super::describe::age;
use crate::error::UsageError;
use crate::print::Output;
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;

/// `fleet slots ls`.
#[derive(Serialize)]
struct GroupList {
    groups: Vec<GroupRow>,
    #[serde(skip)]
    now: Timestamp,
}

#[derive(Serialize)]
struct GroupRow {
    group: String,
    #[serde(flatten)]
    state: Group,
}

/// Lists, or sets a number.
pub(super) async fn run(bus: &NatsBus, command: &SlotsCommand, output: Output) -> anyhow::Result<()> {
    match command {
        SlotsCommand::Ls => {
            let groups = groups(bus).await?.into_iter().map(|(group, state)| GroupRow { group, state }).collect();
            Ok(output.show(&GroupList { groups, now: Timestamp::now() }, ToString::to_string)?)
        }
        SlotsCommand::Set { group, max } => {
            let name = group.parse::<GuestName>().map_err(|_| {
                UsageError(format!(
                    "expected the name of a host or storage as guests have it in [fleet] slots, found {group:?}"
                ))
            })?;
            let max = match max.as_str() {
                "none" => None,
                text => Some(
                    text.parse::<u32>()
                        .ok()
                        .filter(|max| *max > 0)
                        .ok_or_else(|| UsageError(format!("expected a number from 1 on, or none, found {text:?}")))?,
                ),
            };
            let state = set_max(bus, &name, max).await?;
            let text = |row: &GroupRow| match row.state.max {
                Some(max) => format!("Of {}, at most {max} back up at once.\n", row.group),
                None => format!("Of {}, any number backs up at once.\n", row.group),
            };
            Ok(output.show(&GroupRow { group: name.to_string(), state }, text)?)
        }
    }
}

impl fmt::Display for GroupList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.groups.is_empty() {
            return f.write_str("No slots are counted: agentapi fleet slots set HOST 4\n");
        }
        let mut table = Table::new(&COLUMNS);
        for GroupRow { group, state } in &self.groups {
            let max = state.max.map_or_else(|| "any".to_owned(), |max| max.to_string());
            let with_age = |place: &Place| format!("{} ({})", place.guest, age(Some(place.since), self.now));
            let holders: Vec<_> = state.holders.iter().map(with_age).collect();
            let waiting: Vec<_> = state.queue().into_iter().map(with_age).collect();
            table.row([group.as_str(), &max, &holders.join(", "), &waiting.join(", ")].map(Into::into));
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

const COLUMNS: [Column; 4] = [
    Column::value("GROUP", 1),
    Column::number("AT ONCE", 2),
    Column::words("BACK UP", 3),
    Column::words("WAIT, THE NEXT FIRST", 4),
];
