//! `agentapi fleet events`: what has happened on all guests, once each, and what happens.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Duration;

use agentapi_controller::event::Severity;
use agentapi_fleet::bus::{Bus, Record, Start};
use agentapi_fleet::guest::ToldEvent;
use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::NatsBus;
use anyhow::Context;
use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::timeout;

use super::describe::local_time;
use crate::error::UsageError;
use crate::print::escape::visible;
use crate::print::severity::{from_word, margin};
use crate::print::{Output, json_text, write};

/// Which events are printed.
pub(super) struct Filter {
    guest: Option<GuestName>,
    severity: Severity,
}

/// An event with the guest that it is of.
#[derive(Serialize)]
struct GuestEvent<'a> {
    guest: &'a GuestName,
    #[serde(flatten)]
    event: &'a ToldEvent,
}

impl Filter {
    pub(super) fn new(guest: Option<&str>, severity: &str) -> Result<Self, UsageError> {
        let guest = guest
            .map(str::parse)
            .transpose()
            .map_err(|why: agentapi_fleet::name::NameError| UsageError(why.to_string()))?;
        // The command line takes no other.
        Ok(Self { guest, severity: Severity::from_name(severity).unwrap_or(Severity::Info) })
    }

    fn takes(&self, guest: &GuestName, event: &ToldEvent) -> bool {
        self.guest.as_ref().is_none_or(|wanted| wanted == guest) && event.severity >= self.severity
    }
}

/// Prints a line for each event, each once: one that a guest told twice has the same number.
pub(super) async fn run(bus: &NatsBus, follow: bool, filter: &Filter, output: Output) -> anyhow::Result<()> {
    let mut records = bus.follow(Start::After(0)).await?;
    let mut seen = BTreeSet::new();
    loop {
        let next = match follow {
            true => records.next().await,
            // The log has no end that could be seen. What was there comes without a pause.
            false => match timeout(PAUSE_AT_THE_END, records.next()).await {
                Ok(next) => next,
                Err(_) => return Ok(()),
            },
        };
        let Some(record) = next else { return Ok(()) };
        let Record { guest, payload, .. } = record?;
        let Ok(event) = serde_json::from_slice::<ToldEvent>(&payload) else { continue };
        if !seen.insert((guest.clone(), event.state.clone(), event.number, event.kind.clone()))
            || !filter.takes(&guest, &event)
        {
            continue;
        }
        let line = if output.json {
            json_text(&GuestEvent { guest: &guest, event: &event })
        } else {
            describe(&guest, &event)
        };
        match write(&line) {
            Ok(()) => {}
            // A reader that is gone wants no more.
            Err(why) if why.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(why) => return Err(why).context("the events cannot be written"),
        }
    }
}

fn describe(guest: &GuestName, event: &ToldEvent) -> String {
    let run = event.run.map(|run| format!(" (run {run})")).unwrap_or_default();
    let mark = margin(from_word(Some(event.severity.name())));
    let text = visible(&event.text.replace('\n', "; ")).into_owned();
    format!("{mark}{}  {guest}  {}{run}: {text}\n", local_time(Some(event.at)), visible(&event.subject))
}

const PAUSE_AT_THE_END: Duration = Duration::from_secs(2);
