//! `agentapi call`: reads JSON Lines from stdin and answers each with one line on stdout.
//!
//! Every line is answered, whatever it holds: lines are read as bytes, and a request is parsed only as far as its
//! operation needs.

mod args;
mod lines;
mod operation;
mod request;

use std::env;
use std::io;
use std::thread;

use agentapi_host::{Agent, Error};
use anyhow::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

pub use crate::commands::call::operation::Operation;
pub use crate::commands::call::request::Request;

use crate::commands::call::lines::{Line, LineReader, MAX_LINE_BYTES};
use crate::print::escape::visible_json;
use crate::print::{StdoutError, write};
use crate::process::runtime::{block_on, single_threaded};
use crate::session::Session;
use crate::session::target::{TargetOptions, UnparsedTarget};

/// Answers every line of stdin.
pub(crate) fn run(session: &Session, target: &TargetOptions) -> anyhow::Result<()> {
    // Missing options are wrong usage and end the command; wrong values are the answer to every line.
    let target = target.or(&session.global_target).complete(|name| env::var_os(name))?;
    block_on(single_threaded()?, async {
        let agent = connect(session, &target);
        let mut lines = read_stdin()?;
        while let Some(line) = lines.recv().await {
            let answer = answer(&agent, &line.map_err(StdinError)?).await;
            match write(&answer) {
                // The reader has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written.map_err(StdoutError)?,
            }
        }
        Ok(())
    })
}

/// Reads stdin on a thread of its own. A blocking read on the runtime's only thread would stop the connection task too:
/// it could not notice that the agent closes an idle connection, and the next request would be sent on a stale one.
fn read_stdin() -> anyhow::Result<mpsc::Receiver<io::Result<Line>>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    let reader = thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut lines = LineReader::new(io::stdin().lock());
        while let Some(line) = lines.next().transpose() {
            let is_last = line.is_err();
            // Fails when the receiver is gone, because stdout is closed: nobody reads answers any more.
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    reader.context("stdin cannot be read")?;
    Ok(receiver)
}

/// Reading stdin failed: not the end of the input, which is success.
#[derive(Debug, thiserror::Error)]
#[error("stdin cannot be read")]
struct StdinError(#[source] io::Error);

fn connect(session: &Session, target: &UnparsedTarget) -> Result<Agent, Error> {
    session.host.build()?.agent(target.parse()?)
}

/// The answer to a line, with its line end.
async fn answer(agent: &Result<Agent, Error>, line: &Line) -> String {
    let request = match line {
        Line::Whole(line) => Request::read(line),
        Line::TooLong => Request::unreadable(format!("expected a line of at most {MAX_LINE_BYTES} bytes, found more")),
    };
    let id = request.id;
    let failure = |error: &Error| render(&Answer { id, ok: false, value: None, error: Some(error) });
    match (agent, request.operation) {
        (Err(error), _) => failure(error),
        (Ok(_), Err(error)) => failure(&error),
        (Ok(agent), Ok(operation)) => match operation.run(agent).await {
            Ok(value) => render(&Answer { id, ok: true, value: Some(&value), error: None }),
            Err(error) => failure(&error),
        },
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a Error>,
}

fn render(answer: &Answer<'_>) -> String {
    let mut text = match serde_json::to_string(answer) {
        Ok(text) => visible_json(text),
        Err(error) => format!(r#"{{"ok":false,"error":{{"kind":"internal","message":"{error}"}}}}"#),
    };
    // An id comes back byte for byte and may hold a carriage return as whitespace, at which some readers end a line.
    // Inside JSON strings it can only be an escape, so removing it changes no value.
    text.retain(|c| c != '\r');
    text.push('\n');
    text
}

/// How many lines are read before they can be answered: back-pressure, since one may have [`MAX_LINE_BYTES`].
const LINES_AHEAD: usize = 1;

/// Printed below the long help.
pub(crate) const PROTOCOL: &str = r#"A line is {"id": ANY, "op": OPERATION, "args": {..}}; the answer is one of
  {"id": ANY, "ok": true, "value": ..}
  {"id": ANY, "ok": false, "error": {"kind": .., "message": ..}}
and an error has "status" or "value" besides where there is one.

Operations and their args (texts that are left out are empty):
  new              connect only; value null
  storage, backup-due, start-backup, backup-status, disks, host-metrics
  assign-disk      uuid, where, fstype, options; value null
  eject-disk       where
  format-disk      device, fstype, confirmed (true or false), durable_id
  fs-uuid          durable_id; no request
  opsign-command   op, host_scope, durable_id, fstype; no request

Kinds: invalid-argument, denied, pin-mismatch, unreachable, tls, interrupted,
deadline, http-status, response-too-large, bad-envelope, agent, decode,
needs-confirmation, format-refused, internal.
A line that is no request is answered with invalid-argument. If connecting
fails, every line gets that error.

Example:
  echo '{"id": 1, "op": "storage"}' | agentapi call"#;

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::{Answer, render};

    #[test]
    fn an_answer_is_one_line_with_the_id_as_it_was() {
        let id: Box<RawValue> = serde_json::from_str("[1.0,\r 12345678901234567890123]").unwrap();
        let value = serde_json::value::to_raw_value("\u{9b}\n").unwrap();
        let answer = Answer { id: Some(&id), ok: true, value: Some(&value), error: None };
        let expected = "{\"id\":[1.0, 12345678901234567890123],\"ok\":true,\"value\":\"\\u009b\\n\"}\n";
        assert_eq!(render(&answer), expected);
    }
}
