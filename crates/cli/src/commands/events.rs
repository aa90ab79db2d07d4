//! `agentapi events`: what happened, and with `--follow` what happens.

use std::io::ErrorKind;

use anyhow::Context;
use clap::Args;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::commands::status::local;
use crate::extension::tell::tell;
use crate::print::escape::visible;
use crate::print::severity::{from_word, margin};
use crate::print::{Output, json_text, write};
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
        let list = options.daemon.get_list(PATH, "events", options.after.unwrap_or(0)).await?;
        Ok(output.show(&list, |list| list["events"].as_array().into_iter().flatten().map(describe).collect())?)
    })
}

async fn follow(options: &EventsOptions, output: Output) -> anyhow::Result<()> {
    // Without a number: what there is first, as `journalctl -f` shows it.
    let mut stream = options.daemon.follow(Some(options.after.unwrap_or(0))).await?;
    // Bytes and not text: a frame may end within a character.
    let mut unfinished = Vec::new();
    while let Some(frame) = stream.frame().await {
        let Ok(bytes) = frame?.into_data() else { continue };
        unfinished.extend_from_slice(&bytes);
        while let Some(block) = take_block(&mut unfinished) {
            // Comments, which keep the connection alive, have no data.
            let Some(data) = block.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: ")) else {
                continue;
            };
            let event: Value = serde_json::from_slice(data).context("the controller's event is no JSON")?;
            let line = if output.json { json_text(&event) } else { describe(&event) };
            match write(&line) {
                Ok(()) => {}
                // A reader that is gone wants no more.
                Err(why) if why.kind() == ErrorKind::BrokenPipe => return Ok(()),
                Err(why) => return Err(why).context("the events cannot be written"),
            }
        }
    }
    tell("The controller has ended.");
    Ok(())
}

/// Takes what stands before the next empty line, with which an event or a comment ends, off the front.
fn take_block(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")?;
    Some(bytes.drain(..end + 2).collect())
}

fn describe(event: &Value) -> String {
    // A message of an extension has lines, and an event is one.
    let text = |key: &str| visible(&event[key].as_str().unwrap_or("").replace('\n', "; ")).into_owned();
    // Tells a reader of the stream what retention has removed before it came.
    if let (Some(from), Some(to)) = (event["from"].as_i64(), event["to"].as_i64()) {
        return format!("   Events {from} to {to} are no longer kept.\n");
    }
    let run = event["run"].as_i64().map(|run| format!(" (run {run})")).unwrap_or_default();
    let mark = margin(from_word(event["severity"].as_str()));
    format!("{mark}{}  {}{run}: {}\n", local(&event["at"]), text("subject"), text("text"))
}

/// With the largest page that there is.
const PATH: &str = "/v1/events?limit=1000";
