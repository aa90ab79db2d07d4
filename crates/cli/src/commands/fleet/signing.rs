//! `agentapi fleet order` and `fleet approvals`: what a person signs with an SSH key, and the bus only carries.

use std::path::PathBuf;

use agentapi_controller::config::extension::WIPE;
use agentapi_fleet::bus::Bus;
use agentapi_fleet::name::GuestName;
use agentapi_fleet::nats::NatsBus;
use agentapi_fleet::order::{Op, Order};
use agentapi_fleet::overview::Overview;
use agentapi_fleet::signed::{Signed, Statement, put};
use agentapi_fleet::vote::{Decision, Vote, WipeRequest};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::{ApprovalsCommand, SigningOptions};
use crate::error::{CommandError, UsageError};
use crate::print::Output;
use crate::print::escape::visible;
use crate::print::table::{Column, Table};
use crate::print::units::size;
use crate::print::width::stdout_columns;

/// What was put on the bus.
#[derive(Serialize)]
struct Carried {
    guest: GuestName,
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<i64>,
    not_after: Timestamp,
}

/// Orders a backup.
pub(super) async fn order(bus: &NatsBus, guest: &str, signing: &SigningOptions, output: Output) -> anyhow::Result<()> {
    let guest = known(bus, guest).await?;
    let now = Timestamp::now();
    let order = Order::new(guest.clone(), Op::Backup, &signing.as_principal, now, ORDER_COUNTS);
    sign_and_put(bus, &order, signing).await?;
    let carried = Carried { guest, order: Some(order.id.clone()), approval: None, not_after: order.not_after };
    let text = |carried: &Carried| {
        format!(
            "Order {} lies on the bus for {}. Whether it obeys, its events say: agentapi fleet events --guest {}\n",
            order.id, carried.guest, carried.guest
        )
    };
    Ok(output.show(&carried, text)?)
}

/// Lists what waits, or decides.
pub(super) async fn approvals(bus: &NatsBus, command: &ApprovalsCommand, output: Output) -> anyhow::Result<()> {
    let requests = waiting(bus).await?;
    match command {
        ApprovalsCommand::Ls => Ok(output.show(&Waiting::of(&requests), ToString::to_string)?),
        ApprovalsCommand::Approve { guest, approval, durable_id, signing } => {
            let request = find(requests, guest, *approval)?;
            // Whoever types it has looked at it. What is signed is the digest of all that the request says.
            if request.durable_id != *durable_id {
                let why = format!("expected the durable id of the disk, {}", visible(&request.durable_id));
                return Err(CommandError::new(format!("{why}; nothing was signed")).into());
            }
            vote(bus, &request, Decision::Approve, "", signing, output).await
        }
        ApprovalsCommand::Refuse { guest, approval, reason, signing } => {
            vote(bus, &find(requests, guest, *approval)?, Decision::Refuse, reason, signing, output).await
        }
    }
}

async fn vote(
    bus: &NatsBus,
    request: &WipeRequest,
    decision: Decision,
    reason: &str,
    signing: &SigningOptions,
    output: Output,
) -> anyhow::Result<()> {
    let vote = Vote::on(request, decision, &signing.as_principal, reason, Timestamp::now());
    sign_and_put(bus, &vote, signing).await?;
    let guest = request.guest.clone();
    let carried = Carried { guest, order: None, approval: Some(request.id.0), not_after: vote.not_after };
    let text = |carried: &Carried| {
        format!(
            "The vote on approval {} lies on the bus for {}. What it makes of it, its events say: agentapi fleet events --guest {}\n",
            request.id, carried.guest, carried.guest
        )
    };
    Ok(output.show(&carried, text)?)
}

async fn sign_and_put<S: Statement>(bus: &NatsBus, statement: &S, signing: &SigningOptions) -> anyhow::Result<()> {
    let signed = Signed::by_ssh_keygen(statement, &PathBuf::from(&signing.ssh_key))?;
    Ok(put::<S>(bus, statement.guest(), &signed, Timestamp::now()).await?)
}

/// A guest that the bus knows: an order for a name with a typing error would lie there until it expires.
async fn known(bus: &NatsBus, guest: &str) -> anyhow::Result<GuestName> {
    let name = guest.parse::<GuestName>().map_err(|why| UsageError(why.to_string()))?;
    let overview = Overview::read(bus as &dyn Bus).await?;
    let none = || CommandError::new(format!("the bus knows no guest {name}: `agentapi fleet ls` lists them"));
    overview.guest(&name).ok_or_else(none)?;
    Ok(name)
}

/// All requests on the bus. One whose digest is not that of what it shows is told and left out: somebody has changed it.
async fn waiting(bus: &NatsBus) -> anyhow::Result<Vec<WipeRequest>> {
    let overview = Overview::read(bus as &dyn Bus).await?;
    let mut requests = Vec::new();
    for (guest, request) in overview.requests() {
        match request {
            Ok(request) => requests.push(request),
            Err(why) => tracing::warn!(%guest, %why, "a request is left out: it is not to be signed"),
        }
    }
    Ok(requests)
}

fn find(requests: Vec<WipeRequest>, guest: &str, approval: i64) -> Result<WipeRequest, CommandError> {
    let found = requests.into_iter().find(|request| request.guest.as_str() == guest && request.id.0 == approval);
    found.ok_or_else(|| {
        CommandError::new(format!(
            "approval {approval} of {guest} does not wait: `agentapi fleet approvals ls` lists what does"
        ))
    })
}

/// What waits on all guests, with all that is decided on.
#[derive(Serialize)]
struct Waiting {
    approvals: Vec<Value>,
}

impl Waiting {
    fn of(requests: &[WipeRequest]) -> Self {
        let row = |request: &WipeRequest| {
            let mut row = request.fields.clone();
            row.insert("guest".into(), request.guest.as_str().into());
            row.insert("id".into(), request.id.0.into());
            row.insert("digest".into(), request.digest.clone().into());
            row.insert("expires_at".into(), request.expires_at.to_string().into());
            Value::Object(row)
        };
        Self { approvals: requests.iter().map(row).collect() }
    }
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.approvals.is_empty() {
            return f.write_str("Nothing waits for a person.\n");
        }
        let mut table = Table::new(&COLUMNS);
        for request in &self.approvals {
            let text = |key: &str| request[key].as_str().unwrap_or("").to_owned();
            let bytes = request["size_bytes"].as_i64().map(size).unwrap_or_default();
            let number = request["id"].to_string();
            let cells = [
                text("guest"),
                number,
                text("device"),
                text("durable_id"),
                bytes,
                text("role"),
                text("contents"),
                // Of a wipe that a user of the API asks for, the user stands in place of the extension's digest.
                text(if text("subject") == WIPE { "extension_sha256" } else { "subject" }),
                super::describe::local_time(text("expires_at").parse().ok()),
            ];
            table.row(cells.map(Into::into));
        }
        f.write_str(&table.render(stdout_columns()))
    }
}

const COLUMNS: [Column; 9] = [
    Column::value("GUEST", 1),
    Column::number("APPROVAL", 1),
    Column::value("DEVICE", 2),
    Column::value("DURABLE ID", 2),
    Column::words("SIZE", 3),
    Column::words("ROLE", 4),
    Column::words("HOLDS", 4),
    Column::words("ASKED BY", 5),
    Column::words("UNTIL", 3),
];

/// A guest that is down for longer need not back up when it comes back: its schedule does.
const ORDER_COUNTS: SignedDuration = SignedDuration::from_mins(15);
