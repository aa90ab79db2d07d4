//! `agentapi disks wipe`: asks the controller to have a disk wiped once a person has approved it.

use clap::Args;
use serde_json::{Value, json};

use crate::print::Output;
use crate::print::escape::visible;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::status::ExitStatus;

/// What `disks wipe` takes.
#[derive(Args)]
pub(crate) struct WipeOptions {
    /// The device, such as /dev/sdc1
    #[arg(value_name = "DEVICE")]
    device: String,
    /// The disk's durable id, as in `agentapi disks list`
    #[arg(long, value_name = "DURABLE-ID")]
    durable_id: String,
    /// The file system to make
    #[arg(long, value_name = "FSTYPE", default_value = "ext4")]
    fstype: String,
    #[command(flatten)]
    daemon: DaemonOptions,
}

/// Asks, and says what a person does next.
pub(super) fn wipe(options: &WipeOptions, output: Output) -> anyhow::Result<()> {
    let WipeOptions { device, durable_id, fstype, daemon } = options;
    let body = json!({ "device": device, "durable_id": durable_id, "fstype": fstype, "confirmed": true });
    let answer = block_on(single_threaded()?, daemon.post_body("/v1/agent/format-disk", &body))?;
    output.report(ExitStatus::Done, &answer, |answer| describe(&visible(device), answer))
}

fn describe(device: &str, answer: &Value) -> String {
    let (run, approval) = (&answer["run"], &answer["approval"]);
    format!(
        "Nothing is wiped yet: run {run} waits for approval {approval} to wipe {device}.\n\
         A person approves it with: agentapi approvals approve {approval}\n\
         What became of it: agentapi runs show {run}\n"
    )
}
