//! `agentapi approvals`: wipes that an extension or a user asks for, and the person who decides.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use crate::commands::status::local;
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::{Column, Table};
use crate::print::units::{if_known, size};
use crate::print::width::stdout_columns;
use crate::process::confirmation::Question;
use crate::process::runtime::{block_on, single_threaded};
use crate::session::daemon::DaemonOptions;
use crate::status::ExitStatus;

/// What is done with approvals. Without one they are listed.
#[derive(Subcommand)]
pub(crate) enum ApprovalsCommand {
    /// Show one, with all that it is bound to
    Show {
        /// Its number
        approval: i64,
    },
    /// Agree that the disk is wiped: shows it, and asks you to type its durable id
    ///
    /// The disk is looked at once more before it is wiped: one that has become another is left alone. An approval is
    /// used once, and only within a quarter of an hour. Root, the user of the controller and those of
    /// `api.approvers` may decide.
    Approve {
        /// Its number
        approval: i64,
        /// Agree to the disk with this durable id, instead of typing it when asked
        #[arg(long, value_name = "DURABLE-ID")]
        confirm: Option<String>,
    },
    /// Refuse that the disk is wiped
    Refuse {
        /// Its number
        approval: i64,
        /// Why, for whoever reads the history
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
}

/// Asks, and prints.
pub(crate) fn run(daemon: &DaemonOptions, command: Option<&ApprovalsCommand>, output: Output) -> anyhow::Result<()> {
    block_on(single_threaded()?, async {
        match command {
            None => Ok(output.show(&daemon.get("/v1/approvals").await?, describe_list)?),
            Some(ApprovalsCommand::Show { approval }) => {
                Ok(output.show(&daemon.get(&path(*approval, "")).await?, describe)?)
            }
            Some(ApprovalsCommand::Approve { approval, confirm }) => {
                let durable_id = match confirm {
                    Some(confirm) => confirm.clone(),
                    None => question(&daemon.get(&path(*approval, "")).await?)?.ask_on_terminal().await?,
                };
                let body = json!({ "durable_id": durable_id });
                let answer = daemon.post_body(&path(*approval, "/approve"), &body).await?;
                output.report(ExitStatus::Done, &answer, |_| {
                    format!("Approval {approval} is given: the disk is looked at once more, and wiped.\n")
                })
            }
            Some(ApprovalsCommand::Refuse { approval, reason }) => {
                let answer = daemon.post_body(&path(*approval, "/refuse"), &json!({ "reason": reason })).await?;
                output.report(ExitStatus::Done, &answer, |_| format!("Approval {approval} is refused.\n"))
            }
        }
    })
}

fn path(approval: i64, step: &str) -> String {
    format!("/v1/approvals/{approval}{step}")
}

fn question(approval: &Value) -> anyhow::Result<Question> {
    let text = |key: &str| approval[key].as_str().map(str::to_owned);
    let durable_id = text("durable_id").context("the controller's answer names no durable id")?;
    let [device, role] = ["device", "role"].map(|key| text(key).unwrap_or_default());
    let found =
        rows(approval).iter().map(|(label, value)| format!("  {label}: {value}")).collect::<Vec<_>>().join("\n");
    Ok(Question { device, role, found, durable_id, option: "--confirm" })
}

fn describe_list(list: &Value) -> String {
    let approvals = list["approvals"].as_array().map(Vec::as_slice).unwrap_or_default();
    if approvals.is_empty() {
        return "Nobody has asked for a wipe.\n".into();
    }
    let mut table = Table::new(&COLUMNS);
    for approval in approvals {
        let number = approval["id"].to_string();
        let [state, device, id] = ["state", "device", "durable_id"].map(|key| approval[key].as_str().unwrap_or(""));
        table.row([&number, state, device, id, asked_by(approval), &local(&approval["asked_at"])].map(Into::into));
    }
    table.render(stdout_columns())
}

const COLUMNS: [Column; 6] = [
    Column::number("NO", 1),
    Column::value("STATE", 2),
    Column::value("DEVICE", 3),
    Column::value("DURABLE ID", 6),
    Column::value("ASKED BY", 5),
    Column::words("ASKED", 4),
];

fn describe(approval: &Value) -> String {
    let [state, device] = ["state", "device"].map(|key| visible(approval[key].as_str().unwrap_or("")));
    let mut lines = format!("Approval {}, to wipe {device}: {state}\n", approval["id"]);
    for (label, value) in rows(approval) {
        lines += &format!("  {label}: {value}\n");
    }
    if approval["state"] == "waiting" {
        lines += &format!("To decide: agentapi approvals approve {0}, or refuse {0}\n", approval["id"]);
    }
    lines
}

/// What it is bound to and what has become of it, escaped; what is empty is left out.
fn rows(approval: &Value) -> Vec<(&'static str, String)> {
    let text = |key: &str| approval[key].as_str().map(|text| visible(text).into_owned()).unwrap_or_default();
    let bytes = approval["size_bytes"].as_i64().unwrap_or_default();
    // A user has no bytes that could be hashed.
    let sha256 = if is_of_a_user(approval) { String::new() } else { text("extension_sha256") };
    let rows = [
        ("durable id", text("durable_id")),
        ("size", if_known(bytes, || size(bytes))),
        ("used for", text("role")),
        ("found on it", text("contents")),
        ("to become", text("fstype")),
        ("asked by", format!("{}, in run {}", visible(asked_by(approval)), approval["run"])),
        ("its SHA-256", sha256),
        ("asked", local(&approval["asked_at"])),
        ("until", local(&approval["expires_at"])),
        ("decided", local(&approval["decided_at"])),
        ("by", text("decided_by")),
        ("reason", text("reason")),
        ("digest", text("digest")),
    ];
    rows.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// The extension, or the user of the controller's API, who stands in place of an extension's SHA-256.
fn asked_by(approval: &Value) -> &str {
    let key = if is_of_a_user(approval) { "extension_sha256" } else { "subject" };
    approval[key].as_str().unwrap_or("")
}

/// Whether a user asks: no extension has that name.
fn is_of_a_user(approval: &Value) -> bool {
    approval["subject"] == "wipe"
}
