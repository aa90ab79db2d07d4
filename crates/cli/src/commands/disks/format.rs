//! `agentapi disks format`: wipes a disk that the agent lets go, after a person has confirmed it.
//!
//! With `--json` nobody is asked: the agent's demand for a confirmation is the error that the program gets.

mod confirmation;

use agentapi_host::records::{FormatRequest, FormatResult};
use agentapi_host::{Agent, Error};
use clap::Args;

use crate::commands::disks::format::confirmation::ask_on_terminal;
use crate::error::{ActionError, CommandError};
use crate::print::Output;
use crate::print::escape::{is_visible, visible, visible_json};
use crate::session::target::TargetOptions;
use crate::status::ExitStatus;

/// What `disks format` takes.
#[derive(Args)]
pub(crate) struct FormatOptions {
    /// The device, such as /dev/sdc1
    #[arg(value_name = "DEVICE")]
    device: String,
    /// The file system to make, such as ext4
    #[arg(long, value_name = "FSTYPE")]
    fstype: String,
    /// Confirm that the disk with this durable id is wiped, instead of typing it when asked
    #[arg(long, value_name = "DURABLE-ID")]
    confirm: Option<String>,
    #[command(flatten)]
    pub(super) target: TargetOptions,
}

/// Formats a disk.
pub(super) async fn format(agent: &Agent, output: Output, options: &FormatOptions) -> anyhow::Result<()> {
    let FormatOptions { device, fstype, confirm, .. } = options;
    let mut request = FormatRequest { device: device.clone(), fstype: fstype.clone(), confirmation: confirm.clone() };
    let mut outcome = agent.format_disk(&request).await;
    if let Err(Error::NeedsConfirmation(found)) = &outcome
        && !output.json
    {
        if confirm.is_some() {
            // Not asked again: the confirmation was for another disk, perhaps because a reboot swapped device names.
            return Err(wrong_confirmation(found).into());
        }
        request.confirmation = Some(ask_on_terminal((**found).clone()).await?);
        outcome = agent.format_disk(&request).await;
    }
    match outcome {
        Ok(result) => print_result(output, &request, &result),
        Err(Error::FormatRefused(result)) if !output.json => Err(refusal(agent, &result).await?.into()),
        Err(error) => Err(ActionError(error).into()),
    }
}

/// Prints the agent's answer, which may be that nothing was formatted: then the command has failed.
fn print_result(output: Output, request: &FormatRequest, result: &FormatResult) -> anyhow::Result<()> {
    let (device, reason) = (visible(&request.device), visible(&result.reason));
    match (result.formatted, output.json) {
        (true, _) => {
            let text = |_: &FormatResult| format!("Formatted {device} as {}.\n", visible(&request.fstype));
            output.report(ExitStatus::Done, result, text)
        }
        (false, true) => output.report(ExitStatus::Failed, result, |_| String::new()),
        (false, false) if reason.is_empty() => {
            Err(CommandError::new(format!("{device} was not formatted, and the agent does not say why")).into())
        }
        (false, false) => Err(CommandError::new(format!("{device} was not formatted: {reason}")).into()),
    }
}

fn wrong_confirmation(found: &FormatResult) -> CommandError {
    let (device, id) = (visible(&found.device), visible(&found.durable_id));
    CommandError::new(format!("nothing was done: the durable id of {device} is {id}, another one was confirmed"))
}

/// The error for a system or backup disk, with the command by which the host's operator can allow the wipe.
async fn refusal(agent: &Agent, result: &FormatResult) -> Result<CommandError, Error> {
    let (device, reason) = (visible(&result.device), visible(&result.reason));
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let what = format!("nothing was done: {device} is not yours to format{because}");
    let Some(pending) = &result.pending_op else {
        return Ok(CommandError::new(format!("{what}, and the agent names no operation that the operator could sign")));
    };
    match agent.opsign_command(pending).await {
        Ok(command) if is_visible(&command) => {
            let text = format!("{what}; the host's operator can allow it");
            return Ok(CommandError::new(text).with_command(command));
        }
        // A line end, which the shell would take. The terminal would show it as part of the message.
        Ok(_) | Err(Error::InvalidArgument(_)) => {}
        Err(error) => return Err(error),
    }
    // Escaped, the command would sign another operation than the agent asked for; as it is, the operator would not see
    // what is signed. So show no command to paste.
    let pending = visible_json(serde_json::to_string(pending).unwrap_or_default());
    let why = "its pending operation holds characters that cannot be seen, so sign nothing";
    Ok(CommandError::new(format!("{what}; {why}: {pending}")))
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{DiskRole, FormatResult};

    use super::wrong_confirmation;

    #[test]
    fn a_confirmation_of_another_disk_says_which_it_is() {
        let found = FormatResult {
            vmid: 7,
            device: "/dev/sdc1".into(),
            formatted: false,
            data_bearing: true,
            reason: String::new(),
            role: DiskRole::UserData,
            needs_confirmation: true,
            durable_id: "uuid:1".into(),
            pending_op: None,
        };
        let text = wrong_confirmation(&found).to_string();
        assert_eq!(text, "nothing was done: the durable id of /dev/sdc1 is uuid:1, another one was confirmed");
    }
}
