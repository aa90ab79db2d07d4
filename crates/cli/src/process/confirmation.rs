//! Asks the person at the terminal to confirm a wipe by typing the disk's durable id.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::Context;
use tokio::task::spawn_blocking;

use crate::error::CommandError;
use crate::print::escape::visible;

/// What is asked, with the texts of an agent or an extension as they are: they are escaped here, or by who made `found`.
pub(crate) struct Question {
    /// The device, such as `/dev/sdb1`.
    pub(crate) device: String,
    /// What it is used for.
    pub(crate) role: String,
    /// What the person should know before they answer: lines, escaped, without the last line end.
    pub(crate) found: String,
    /// What is to be typed.
    pub(crate) durable_id: String,
    /// The option by which a script answers.
    pub(crate) option: &'static str,
}

impl Question {
    /// Asks on stderr, reads the answer from stdin, and returns the confirmed durable id.
    ///
    /// Reads on a thread of its own so that the runtime goes on: while somebody types, the agent may close the idle
    /// connection, and only a running connection task notices that it is stale before the second request is sent.
    pub(crate) async fn ask_on_terminal(self) -> anyhow::Result<String> {
        let answer = spawn_blocking(move || {
            let stdin = io::stdin();
            let is_terminal = stdin.is_terminal();
            Prompt { is_terminal, answers: stdin.lock(), questions: anstream::stderr() }.ask(self)
        });
        answer.await.context("the question ended without an answer")?
    }
}

/// Where the question goes and the answer comes from.
struct Prompt<R, W> {
    is_terminal: bool,
    answers: R,
    questions: W,
}

impl<R: BufRead, W: Write> Prompt<R, W> {
    /// Shows what is on the disk, asks for its durable id, and returns the id if it was typed exactly.
    fn ask(mut self, question: Question) -> anyhow::Result<String> {
        let Question { device, role, found, durable_id, option } = question;
        let (device, role, id) = (visible(&device), visible(&role), visible(&durable_id));
        self.print(&format!("{device} ({role}) is to be wiped.\n{found}\n"))?;
        // Input from a pipe is no person's answer: `yes |` must never wipe a disk.
        if !self.is_terminal {
            return Err(CommandError::new(format!(
                "nothing was done: {device} needs a person's confirmation, and stdin is no terminal; a script that \
                 may wipe this very disk says {option} {id}"
            ))
            .into());
        }
        self.print("Everything on it will be lost. To confirm, type its durable id: ")?;
        let mut typed = String::new();
        self.answers.read_line(&mut typed)?;
        // A disk without a durable id cannot be confirmed: otherwise just Enter would wipe it.
        if durable_id.is_empty() || typed.trim_end_matches(['\r', '\n']) != durable_id {
            return Err(CommandError::new("nothing was done: that is not the durable id").into());
        }
        Ok(durable_id)
    }

    /// Not the `io::Error` itself: a closed pipe would be taken for a closed stdout, which is success.
    fn print(&mut self, text: &str) -> Result<(), CommandError> {
        let printed = self.questions.write_all(text.as_bytes()).and_then(|()| self.questions.flush());
        printed.map_err(|error| CommandError::new(format!("nothing was done: the question cannot be printed: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Prompt, Question};

    fn question(device: &str, durable_id: &str) -> Question {
        let [device, durable_id, role, found] =
            [device, durable_id, "user data", "  found on it: ext4"].map(str::to_owned);
        Question { device, role, found, durable_id, option: "--confirm" }
    }

    /// What an answer leads to, and the question as it was printed.
    fn ask(is_terminal: bool, answer: &str, question: Question) -> (Result<String, String>, String) {
        let mut questions = Vec::new();
        let prompt = Prompt { is_terminal, answers: answer.as_bytes(), questions: &mut questions };
        let outcome = prompt.ask(question).map_err(|error| error.to_string());
        (outcome, String::from_utf8(questions).unwrap())
    }

    #[test]
    fn only_the_durable_id_typed_as_it_is_confirms() {
        for answer in ["uuid:1\n", "uuid:1\r\n", "uuid:1"] {
            assert_eq!(ask(true, answer, question("/dev/sdc1", "uuid:1")).0, Ok("uuid:1".into()), "{answer:?}");
        }
        for answer in ["", "\n", "yes\n", "uuid:2\n", "UUID:1\n", "uuid:1 \n", "uuid:11\n"] {
            let refused = Err("nothing was done: that is not the durable id".into());
            assert_eq!(ask(true, answer, question("/dev/sdc1", "uuid:1")).0, refused, "{answer:?}");
        }
        assert!(ask(true, "\n", question("/dev/sdc1", "")).0.is_err());
    }

    #[test]
    fn nobody_is_asked_where_nobody_is() {
        let (outcome, questions) = ask(false, "uuid:1\n", question("/dev/sdc1", "uuid:1"));
        assert!(outcome.unwrap_err().ends_with("says --confirm uuid:1"));
        assert!(!questions.contains("type its durable id"), "{questions}");
    }

    #[test]
    fn the_person_sees_what_is_asked_safe_to_print() {
        let questions = ask(true, "", question("/dev/\u{1b}[2J", "uuid:\u{9b}")).1;
        let expected = "/dev/\\u{1b}[2J (user data) is to be wiped.\n  found on it: ext4\n\
                        Everything on it will be lost. To confirm, type its durable id: ";
        assert_eq!(questions, expected);
    }
}
