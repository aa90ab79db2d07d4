//! `agentapi events`: what happened, and with `--follow` what happens.

use clap::Args;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::commands::status::local;
use crate::print::escape::visible;
use crate::print::{Output, json_text, print, write};
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;

/// What `events` takes.
#[derive(Args)]
pub(crate) struct EventsOptions {
    /// Go on with what happens, until interrupted
    #[arg(long)]
    follow: bool,
    /// Only events after this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    #[command(flatten)]
    daemon: DaemonOptions,
}

/// Prints a line for each event.
pub(crate) fn run(options: &EventsOptions, output: Output) -> anyhow::Result<()> {
    block_on(single_threaded()?, async {
        if options.follow {
            return follow(options, output).await;
        }
        let list = options.daemon.get(&format!("/v1/events?limit=1000&after={}", options.after.unwrap_or(0))).await?;
        Ok(output.show(&list, |list| list["events"].as_array().into_iter().flatten().map(describe).collect())?)
    })
}

async fn follow(options: &EventsOptions, output: Output) -> anyhow::Result<()> {
    // Without a number: what there is first, as `journalctl -f` shows it.
    let mut stream = options.daemon.follow(Some(options.after.unwrap_or(0))).await?;
    let mut unfinished = String::new();
    while let Some(frame) = stream.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        unfinished.push_str(&String::from_utf8_lossy(&bytes));
        // An event ends with an empty line. Comments, which keep the connection alive, have no data.
        while let Some(end) = unfinished.find("\n\n") {
            let event: String = unfinished.drain(..end + 2).collect();
            let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else { continue };
            let event: Value = serde_json::from_str(data)?;
            let line = if output.json { json_text(&event) } else { describe(&event) };
            // A reader that is gone wants no more.
            if write(&line).is_err() {
                return Ok(());
            }
        }
    }
    Ok(print("The controller has ended.\n")?)
}

fn describe(event: &Value) -> String {
    let text = |key: &str| visible(event[key].as_str().unwrap_or("")).into_owned();
    let run = event["run"].as_i64().map(|run| format!(" (run {run})")).unwrap_or_default();
    let mark = match event["severity"].as_str() {
        Some("critical") => "!! ",
        Some("warning") => "!  ",
        _ => "   ",
    };
    format!("{mark}{}  {}{run}: {}\n", local(&event["at"]), text("subject"), text("text"))
}
