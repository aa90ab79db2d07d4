//! `agentapi fleet want`: what guests and rings are wished.

use std::fmt;

use agentapi_controller::board::short_digest;
use agentapi_fleet::bus::{Bus, Table as BusTable};
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::overview::Overview;
use agentapi_fleet::want::{BackupWish, Want, Whose, change};
use serde::Serialize;

use super::WantCommand;
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;

/// `fleet want ls`.
#[derive(Serialize)]
struct WantList {
    wants: Vec<WantRow>,
}

#[derive(Serialize)]
struct WantRow {
    whose: String,
    #[serde(flatten)]
    want: Want,
    /// The guests that it is for.
    guests: usize,
    /// Those on which it is in force.
    in_force: usize,
}

impl WantRow {
    /// A wish, with what the guests that it is for have told of it last.
    fn new(overview: &Overview, whose: &Whose, want: Want) -> Self {
        let places = || overview.of_whom(whose);
        let (guests, in_force) =
            (places().count(), places().filter(|place| place.seen_of(whose) == want.number).count());
        Self { whose: whose.key(), want, guests, in_force }
    }

    fn changed_text(&self) -> String {
        let wished = self.want.backup.as_ref().map_or_else(|| "nothing of backups".to_owned(), ToString::to_string);
        let Self { whose, guests, in_force, .. } = self;
        format!(
            "Wished of {whose}: {wished}. It is in force on {in_force} of {guests} guests; each looks within half a minute: agentapi fleet want ls\n"
        )
    }
}

/// Lists, or changes one.
pub(super) async fn run(bus: &NatsBus, command: &WantCommand, output: Output) -> anyhow::Result<()> {
    let overview = Overview::read(bus).await?;
    match command {
        WantCommand::Ls => Ok(output.show(&list(bus, &overview).await?, ToString::to_string)?),
        WantCommand::Backup { whose, newest_within, window, priority } => {
            let wish = BackupWish { newest_within: newest_within.clone(), window: window.clone(), priority: *priority };
            Want { backup: Some(wish.clone()), ..Want::default() }
                .check()
                .map_err(|why| UsageError(why.to_string()))?;
            set(bus, &overview, whose, Some(wish), output).await
        }
        WantCommand::Nothing { whose } => set(bus, &overview, whose, None, output).await,
    }
}

async fn set(
    bus: &NatsBus,
    overview: &Overview,
    whose: &str,
    wish: Option<BackupWish>,
    output: Output,
) -> anyhow::Result<()> {
    let whose = Whose::parse(whose).map_err(UsageError)?;
    if overview.of_whom(&whose).next().is_none() && wish.is_some() {
        return Err(CommandError::new(format!(
            "the bus knows no guest that is meant by {}: `agentapi fleet ls`",
            whose.key()
        ))
        .into());
    }
    let want = change(bus, &whose, overview.seen(&whose), |want| want.backup = wish.clone()).await?;
    let row = WantRow::new(overview, &whose, want);
    Ok(output.show(&row, WantRow::changed_text)?)
}

async fn list(bus: &NatsBus, overview: &Overview) -> anyhow::Result<WantList> {
    let mut wants = Vec::new();
    for entry in bus.all(BusTable::Want).await? {
        let (Ok(whose), Ok(want)) = (Whose::parse(&entry.key), Want::read(&entry)) else { continue };
        wants.push(WantRow::new(overview, &whose, want));
    }
    wants.sort_by(|a, b| a.whose.cmp(&b.whose));
    Ok(WantList { wants })
}

impl fmt::Display for WantList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wants.is_empty() {
            return f.write_str("Nothing is wished: each guest goes by its own schedule.\n");
        }
        let mut table = Table::new(&COLUMNS);
        for WantRow { whose, want, guests, in_force } in &self.wants {
            let backup = want.backup.as_ref().map(ToString::to_string).unwrap_or_default();
            let extensions = want.extensions.iter().map(|(name, wish)| match &wish.digest {
                Some(digest) => format!("{name} {}", short_digest(digest)),
                None => format!("{name} of its own"),
            });
            let extensions = extensions.collect::<Vec<_>>().join(", ");
            let priority = want.backup.as_ref().and_then(|backup| backup.priority);
            let priority = priority.map(|priority| priority.to_string()).unwrap_or_default();
            let in_force = format!("on {in_force} of {guests}");
            table.row([whose.as_str(), &backup, &in_force, &extensions, &priority].map(Into::into));
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

const COLUMNS: [Column; 5] = [
    Column::value("WHOSE", 1),
    Column::words("BACKUPS", 2),
    Column::words("IN FORCE", 3),
    Column::words("EXTENSIONS", 4),
    Column::number("PRIORITY", 5),
];

#[cfg(test)]
mod tests {
    use agentapi_fleet::bus::{Entry, Table};
    use agentapi_fleet::overview::Overview;
    use agentapi_fleet::want::{Want, Whose};
    use jiff::Timestamp;
    use serde_json::json;

    use super::WantRow;

    #[test]
    fn a_wish_is_in_force_on_the_guests_that_have_told_its_number() {
        let mut overview = Overview::default();
        for (guest, ring, seen) in [("web1", 2, 7), ("web2", 2, 6), ("web3", 1, 7)] {
            let inventory = json!({
                "version": "0", "host": "pve1", "ring": ring, "seen": { "own": 0, "ring": seen },
                "subjects": [], "findings": [], "approvals": [], "samples": [],
            });
            let (key, value) = (guest.to_owned(), Some(inventory.to_string().into()));
            overview.apply(Table::Inventory, &Entry { key, value, revision: 1, at: Timestamp::UNIX_EPOCH });
        }
        let row = WantRow::new(&overview, &Whose::Ring(2), Want { number: 7, ..Want::default() });
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!((&json["guests"], &json["in_force"]), (&json!(2), &json!(1)));
        assert!(row.changed_text().contains("It is in force on 1 of 2 guests;"), "{}", row.changed_text());
    }
}
