//! `agentapi notify`: who is told of what the controller finds, and a message to try it.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::commands::schedule::percent_encoded;
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::{Column, Table};
use crate::print::width::stdout_columns;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::status::ExitStatus;

/// What is done with those who are told. Without one they are listed.
#[derive(Subcommand)]
pub(crate) enum NotifyCommand {
    /// Send a test message now, and say what became of it
    ///
    /// Each is tried, also after one that fails: then the exit status is 1.
    Test {
        /// The name of a [[notify]] in the configuration; all of them if it is left out
        name: Option<String>,
    },
}

/// Asks, and prints.
pub(crate) fn run(daemon: &DaemonOptions, command: Option<&NotifyCommand>, output: Output) -> anyhow::Result<()> {
    block_on(single_threaded()?, async {
        let list = daemon.get("/v1/notify").await?;
        let Some(NotifyCommand::Test { name }) = command else { return Ok(output.show(&list, describe_list)?) };
        let names = match name {
            Some(name) => vec![name.clone()],
            None => names(&list).map(str::to_owned).collect(),
        };
        let mut tested = Vec::new();
        for name in names {
            let outcome = daemon.post(&format!("/v1/notify/{}/test", percent_encoded(&name))).await;
            let why = outcome.err().map(|why| format!("{why:#}"));
            tested.push(json!({ "name": name, "delivered": why.is_none(), "why": why }));
        }
        let is_delivered = tested.iter().all(|one| one["delivered"] == true);
        let status = if is_delivered { ExitStatus::Done } else { ExitStatus::Failed };
        output.report(status, &json!({ "tested": tested }), describe_tested)
    })
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list["notify"].as_array().into_iter().flatten().filter_map(|one| one["name"].as_str())
}

fn describe_list(list: &Value) -> String {
    let told = list["notify"].as_array().map(Vec::as_slice).unwrap_or_default();
    if told.is_empty() {
        return NOBODY.into();
    }
    let mut table = Table::new(&COLUMNS);
    for one in told {
        table.row(["name", "severity"].map(|key| one[key].as_str().unwrap_or("").into()));
    }
    table.render(stdout_columns())
}

fn describe_tested(tested: &Value) -> String {
    let tested = tested["tested"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tested.is_empty() {
        return NOBODY.into();
    }
    let line = |one: &Value| {
        let name = visible(one["name"].as_str().unwrap_or("")).into_owned();
        match one["why"].as_str() {
            None => format!("{name}: delivered\n"),
            Some(why) => format!("{name}: not delivered: {}\n", visible(why)),
        }
    };
    tested.iter().map(line).collect()
}

const COLUMNS: [Column; 2] = [Column::value("NAME", 1), Column::words("FROM", 2)];
const NOBODY: &str = "Nobody is told: there is no [[notify]] in the configuration.\n";
