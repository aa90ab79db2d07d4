//! `agentapi disks format`: a wipe needs a person, and this is where the person is asked.

use std::io::{self, BufRead, IsTerminal, Write};

use agentapi_host::json::ToJson;
use agentapi_host::types::{FormatRequest, FormatResult, PendingOp};
use agentapi_host::{Agent, Error};

use super::commands::FormatArgs;
use super::disks::role;
use super::escape::visible;
use super::failure::{NotDone, Said};
use super::output::Output;

/// Formats a disk, if the agent lets it and the person confirms it.
pub(super) async fn run(agent: &Agent, output: Output, args: FormatArgs) -> anyhow::Result<()> {
    let FormatArgs { device, fstype, confirm } = args;
    let is_confirmed = confirm.is_some();
    let mut request = FormatRequest { device, fstype, confirmation: confirm };
    let mut outcome = agent.format_disk(&request).await;
    if let Err(Error::NeedsConfirmation(found)) = &outcome
        && !output.json
    {
        if is_confirmed {
            return Err(other_disk(found).into());
        }
        request.confirmation = Some(ask(found)?);
        outcome = agent.format_disk(&request).await;
    }
    match outcome {
        Ok(result) => finish(output, &request, &result),
        Err(Error::FormatRefused(result)) if !output.json => Err(refusal(agent, &result).await?.into()),
        Err(error) => Err(error.into()),
    }
}

fn finish(output: Output, request: &FormatRequest, result: &FormatResult) -> anyhow::Result<()> {
    let (device, reason) = (visible(&request.device), visible(&result.reason));
    match (result.formatted, output.json) {
        (true, _) => Ok(output.print(result, |_| format!("Formatted {device} as {}.\n", visible(&request.fstype)))?),
        (false, true) => {
            output.print(result, |_| String::new())?;
            Err(Said.into())
        }
        (false, false) if reason.is_empty() => {
            Err(NotDone(format!("{device} was not formatted, and the agent does not say why")).into())
        }
        (false, false) => Err(NotDone(format!("{device} was not formatted: {reason}")).into()),
    }
}

/// Asks the person to type the durable id, and returns it.
fn ask(found: &FormatResult) -> anyhow::Result<String> {
    let (device, id) = (visible(&found.device), visible(&found.durable_id));
    let mut stderr = anstream::stderr().lock();
    writeln!(stderr, "{device} ({}) is to be wiped.\n{}", visible(&role(&found.role)), describe(found))?;
    if !io::stdin().is_terminal() {
        return Err(NotDone(format!(
            "nothing was done: {device} needs a person's confirmation, and stdin is no terminal; a script that may \
             wipe this very disk says --confirm {id}"
        ))
        .into());
    }
    write!(stderr, "Everything on it will be lost. To confirm, type its durable id: ")?;
    stderr.flush()?;
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if found.durable_id.is_empty() || typed.trim_end_matches(['\r', '\n']) != found.durable_id {
        return Err(NotDone("nothing was done: that is not the durable id".into()).into());
    }
    Ok(found.durable_id.clone())
}

fn describe(found: &FormatResult) -> String {
    let reason = if found.reason.is_empty() { "not said".into() } else { visible(&found.reason) };
    format!("  found on it: {reason}\n  durable id:  {}", visible(&found.durable_id))
}

fn other_disk(found: &FormatResult) -> NotDone {
    let (device, id) = (visible(&found.device), visible(&found.durable_id));
    NotDone(format!("nothing was done: the durable id of {device} is {id}, another one was confirmed"))
}

async fn refusal(agent: &Agent, result: &FormatResult) -> Result<NotDone, Error> {
    let (device, reason) = (visible(&result.device), visible(&result.reason));
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let what = format!("nothing was done: {device} is not yours to format{because}");
    let Some(pending) = &result.pending_op else {
        return Ok(NotDone(format!("{what}, and the agent names no operation that the operator could sign")));
    };
    Ok(NotDone(format!("{what}; {}", operator_command(agent, pending).await?)))
}

/// A command that holds what cannot be seen is not one to paste.
async fn operator_command(agent: &Agent, pending: &PendingOp) -> Result<String, Error> {
    let command = agent.opsign_command(pending).await?;
    let shown = visible(&command);
    if shown == command {
        return Ok(format!("the host's operator can allow it: {command}"));
    }
    Ok(format!("its pending operation holds characters that cannot be seen, so sign nothing: {}", pending.to_json()))
}

#[cfg(test)]
mod tests {
    use agentapi_host::types::{DiskRole, FormatResult};

    use super::{describe, other_disk};

    fn found(reason: &str) -> FormatResult {
        FormatResult {
            vmid: 7,
            device: "/dev/sdc1".into(),
            formatted: false,
            data_bearing: true,
            reason: reason.into(),
            role: DiskRole::UserData,
            needs_confirmation: true,
            durable_id: "uuid:1\u{1b}".into(),
            pending_op: None,
        }
    }

    #[test]
    fn the_person_sees_what_is_found_and_the_durable_id_safe_to_print() {
        assert_eq!(describe(&found("ext4")), "  found on it: ext4\n  durable id:  uuid:1\\u{1b}");
        assert!(describe(&found("")).starts_with("  found on it: not said\n"));
    }

    #[test]
    fn a_confirmation_of_another_disk_says_which_it_is() {
        let text = other_disk(&found("")).to_string();
        assert_eq!(text, "nothing was done: the durable id of /dev/sdc1 is uuid:1\\u{1b}, another one was confirmed");
    }
}
