//! Asks the person at the terminal to confirm a wipe by typing the disk's durable id.

use std::io::{self, BufRead, IsTerminal, Write};

use agentapi_host::records::FormatResult;
use anyhow::Context;
use tokio::task::spawn_blocking;

use crate::commands::disks::role::role_label;
use crate::error::CommandError;
use crate::print::escape::visible;

/// Asks on stderr, reads the answer from stdin, and returns the confirmed durable id.
///
/// Reads on a thread of its own so that the runtime goes on: while somebody types, the agent may close the idle
/// connection, and only a running connection task notices that it is stale before the second request is sent.
pub(super) async fn ask_on_terminal(found: FormatResult) -> anyhow::Result<String> {
    let answer = spawn_blocking(move || {
        let stdin = io::stdin();
        let is_terminal = stdin.is_terminal();
        Prompt { is_terminal, answers: stdin.lock(), questions: anstream::stderr() }.ask(&found)
    });
    answer.await.context("the question ended without an answer")?
}

/// Where the question goes and the answer comes from.
struct Prompt<R, W> {
    is_terminal: bool,
    answers: R,
    questions: W,
}

impl<R: BufRead, W: Write> Prompt<R, W> {
    /// Shows what is on the disk, asks for its durable id, and returns the id if it was typed exactly.
    fn ask(mut self, found: &FormatResult) -> anyhow::Result<String> {
        let (device, id) = (visible(&found.device), visible(&found.durable_id));
        let role = role_label(&found.role);
        self.print(&format!("{device} ({}) is to be wiped.\n{}\n", visible(&role), describe(found)))?;
        // Input from a pipe is no person's answer: `yes |` must never wipe a disk.
        if !self.is_terminal {
            return Err(CommandError::new(format!(
                "nothing was done: {device} needs a person's confirmation, and stdin is no terminal; a script that \
                 may wipe this very disk says --confirm {id}"
            ))
            .into());
        }
        self.print("Everything on it will be lost. To confirm, type its durable id: ")?;
        let mut typed = String::new();
        self.answers.read_line(&mut typed)?;
        // An agent that names no durable id cannot be confirmed to: otherwise just Enter would wipe the disk.
        if found.durable_id.is_empty() || typed.trim_end_matches(['\r', '\n']) != found.durable_id {
            return Err(CommandError::new("nothing was done: that is not the durable id").into());
        }
        Ok(found.durable_id.clone())
    }

    /// Not the `io::Error` itself: a closed pipe would be taken for a closed stdout, which is success.
    fn print(&mut self, text: &str) -> Result<(), CommandError> {
        let printed = self.questions.write_all(text.as_bytes()).and_then(|()| self.questions.flush());
        printed.map_err(|error| CommandError::new(format!("nothing was done: the question cannot be printed: {error}")))
    }
}

fn describe(found: &FormatResult) -> String {
    let reason = if found.reason.is_empty() { "not said".into() } else { visible(&found.reason) };
    format!("  found on it: {reason}\n  durable id:  {}", visible(&found.durable_id))
}

#[cfg(test)]
mod tests {
    use agentapi_host::records::{DiskRole, FormatResult};

    use super::{Prompt, describe};

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

    /// What an answer leads to, and the question as it was printed.
    fn ask(is_terminal: bool, answer: &str, found: &FormatResult) -> (Result<String, String>, String) {
        let mut questions = Vec::new();
        let prompt = Prompt { is_terminal, answers: answer.as_bytes(), questions: &mut questions };
        let outcome = prompt.ask(found).map_err(|error| error.to_string());
        (outcome, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn only_the_durable_id_typed_as_it_is_confirms() {
        for answer in ["uuid:1\n", "uuid:1\r\n", "uuid:1"] {
            assert_eq!(ask(true, answer, &found("")).0, Ok("uuid:1".into()), "{answer:?}");
        }
        for answer in ["", "\n", "yes\n", "uuid:2\n", "UUID:1\n", "uuid:1 \n", "uuid:11\n"] {
            let refused = Err("nothing was done: that is not the durable id".into());
            assert_eq!(ask(true, answer, &found("")).0, refused, "{answer:?}");
        }
        let nameless = FormatResult { durable_id: String::new(), ..found("") };
        assert!(ask(true, "\n", &nameless).0.is_err());
    }

    #[test]
    fn nobody_is_asked_where_nobody_is() {
        let (outcome, questions) = ask(false, "uuid:1\n", &found("ext4"));
        assert!(outcome.unwrap_err().ends_with("says --confirm uuid:1"));
        assert!(!questions.contains("type its durable id"), "{questions}");
    }

    #[test]
    fn the_person_sees_what_is_found_safe_to_print() {
        let evil = FormatResult { device: "/dev/\u{1b}[2J".into(), durable_id: "uuid:\u{9b}".into(), ..found("e\nx") };
        let questions = ask(true, "", &evil).1;
        let expected = "/dev/\\u{1b}[2J (user data) is to be wiped.\n  found on it: e\\nx\n  durable id:  uuid:\\u{9b}\n\
                        Everything on it will be lost. To confirm, type its durable id: ";
        assert_eq!(questions, expected);
        assert!(describe(&found("")).starts_with("  found on it: not said\n"));
    }
}
