//! `agentapi disks format`: a wipe needs a person, and this is where the person is asked.

use std::io::{self, BufRead, IsTerminal, Write};

use agentapi_host::records::{FormatRequest, FormatResult, PendingOp};
use agentapi_host::{Agent, Error};
use anyhow::Context;
use tokio::task::spawn_blocking;

use crate::arguments::FormatArgs;
use crate::commands::disks::role;
use crate::error::{CommandError, SilentFailure};
use crate::print::Output;
use crate::print::escape::visible;

/// Formats a disk, if the agent lets it and the person confirms it.
pub(crate) async fn run(agent: &Agent, output: Output, args: FormatArgs) -> anyhow::Result<()> {
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
        request.confirmation = Some(ask((**found).clone()).await?);
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
            Err(SilentFailure.into())
        }
        (false, false) if reason.is_empty() => {
            Err(CommandError(format!("{device} was not formatted, and the agent does not say why")).into())
        }
        (false, false) => Err(CommandError(format!("{device} was not formatted: {reason}")).into()),
    }
}

/// Asks the person at the terminal. The runtime goes on meanwhile: the agent may well close the connection before
/// somebody has typed, and it must then not be used for the next request.
async fn ask(found: FormatResult) -> anyhow::Result<String> {
    let asking = spawn_blocking(move || {
        let stdin = io::stdin();
        let is_present = stdin.is_terminal();
        Person { is_present, answers: stdin.lock(), questions: anstream::stderr().lock() }.confirm(&found)
    });
    asking.await.context("the question ended without an answer")?
}

/// Who is asked, if there is somebody.
struct Person<R, W> {
    is_present: bool,
    answers: R,
    questions: W,
}

impl<R: BufRead, W: Write> Person<R, W> {
    /// Asks for the durable id, and returns it where it was typed.
    fn confirm(mut self, found: &FormatResult) -> anyhow::Result<String> {
        let (device, id) = (visible(&found.device), visible(&found.durable_id));
        writeln!(self.questions, "{device} ({}) is to be wiped.\n{}", visible(&role(&found.role)), describe(found))?;
        if !self.is_present {
            return Err(CommandError(format!(
                "nothing was done: {device} needs a person's confirmation, and stdin is no terminal; a script that \
                 may wipe this very disk says --confirm {id}"
            ))
            .into());
        }
        write!(self.questions, "Everything on it will be lost. To confirm, type its durable id: ")?;
        self.questions.flush()?;
        let mut typed = String::new();
        self.answers.read_line(&mut typed)?;
        if found.durable_id.is_empty() || typed.trim_end_matches(['\r', '\n']) != found.durable_id {
            return Err(CommandError("nothing was done: that is not the durable id".into()).into());
        }
        Ok(found.durable_id.clone())
    }
}

fn describe(found: &FormatResult) -> String {
    let reason = if found.reason.is_empty() { "not said".into() } else { visible(&found.reason) };
    format!("  found on it: {reason}\n  durable id:  {}", visible(&found.durable_id))
}

fn other_disk(found: &FormatResult) -> CommandError {
    let (device, id) = (visible(&found.device), visible(&found.durable_id));
    CommandError(format!("nothing was done: the durable id of {device} is {id}, another one was confirmed"))
}

async fn refusal(agent: &Agent, result: &FormatResult) -> Result<CommandError, Error> {
    let (device, reason) = (visible(&result.device), visible(&result.reason));
    let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    let what = format!("nothing was done: {device} is not yours to format{because}");
    let Some(pending) = &result.pending_op else {
        return Ok(CommandError(format!("{what}, and the agent names no operation that the operator could sign")));
    };
    Ok(CommandError(format!("{what}; {}", operator_command(agent, pending).await?)))
}

/// A command that holds what cannot be seen is not one to paste.
async fn operator_command(agent: &Agent, pending: &PendingOp) -> Result<String, Error> {
    let command = agent.opsign_command(pending).await?;
    let shown = visible(&command);
    if shown == command {
        return Ok(format!("the host's operator can allow it: {command}"));
    }
    let pending = serde_json::to_string(pending).unwrap_or_default();
    Ok(format!("its pending operation holds characters that cannot be seen, so sign nothing: {pending}"))
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{DiskRole, FormatResult};

    use super::{Person, describe, other_disk};

    fn found(reason: &str) -> FormatResult {
        FormatResult {
            vmid: 7,
            device: "/dev/sdc1".into(),
            formatted: false,
            data_bearing: true,
            reason: reason.into(),
            role: DiskRole::UserData,
            needs_confirmation: true,
            durable_id: "uuid:1".into(),
            pending_op: None,
        }
    }

    /// What the person's answer comes to, and what they were asked.
    fn asked(is_present: bool, answer: &str, found: &FormatResult) -> (Result<String, String>, String) {
        let mut questions = Vec::new();
        let person = Person { is_present, answers: answer.as_bytes(), questions: &mut questions };
        let outcome = person.confirm(found).map_err(|why| why.to_string());
        (outcome, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn only_the_durable_id_typed_as_it_is_confirms() {
        for answer in ["uuid:1\n", "uuid:1\r\n", "uuid:1"] {
            assert_eq!(asked(true, answer, &found("")).0, Ok("uuid:1".into()), "{answer:?}");
        }
        for answer in ["", "\n", "yes\n", "uuid:2\n", "UUID:1\n", "uuid:1 \n", "uuid:11\n"] {
            let refused = Err("nothing was done: that is not the durable id".into());
            assert_eq!(asked(true, answer, &found("")).0, refused, "{answer:?}");
        }
        let nameless = FormatResult { durable_id: String::new(), ..found("") };
        assert!(asked(true, "\n", &nameless).0.is_err());
    }

    #[test]
    fn nobody_is_asked_where_nobody_is() {
        let (outcome, questions) = asked(false, "uuid:1\n", &found("ext4"));
        assert!(outcome.unwrap_err().ends_with("says --confirm uuid:1"));
        assert!(!questions.contains("type its durable id"), "{questions}");
    }

    #[test]
    fn the_person_sees_what_is_found_safe_to_print() {
        let evil = FormatResult { device: "/dev/\u{1b}[2J".into(), durable_id: "uuid:\u{9b}".into(), ..found("e\nx") };
        let questions = asked(true, "", &evil).1;
        let expected = "/dev/\\u{1b}[2J (user data) is to be wiped.\n  found on it: e\\nx\n  durable id:  uuid:\\u{9b}\n\
                        Everything on it will be lost. To confirm, type its durable id: ";
        assert_eq!(questions, expected);
        assert!(describe(&found("")).starts_with("  found on it: not said\n"));
    }

    #[test]
    fn a_confirmation_of_another_disk_says_which_it_is() {
        let text = other_disk(&found("")).to_string();
        assert_eq!(text, "nothing was done: the durable id of /dev/sdc1 is uuid:1, another one was confirmed");
    }
}
