//! `agentapi call`: JSON Lines in, one line out for each.
//!
//! Whatever stands on a line, the next one is still answered. Lines are read as bytes, and a request is looked at only
//! as deep as it has to be.

mod lines;
mod operation;
mod request;

use std::env;
use std::io::{self, Write};
use std::thread;

use agentapi_host::{Agent, Error};
use anyhow::Context;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::print::escape::visible_json;
use crate::session::target::{ConnectionOptions, ConnectionTexts};
use crate::session::{Session, block_on, single_threaded};
pub use operation::Operation;
pub use request::Request;

use crate::commands::call::lines::{Line, Lines, MAX_LINE_BYTES};

/// Answers every line of stdin.
pub(crate) fn run(session: &Session, connection: ConnectionOptions) -> anyhow::Result<()> {
    let texts = connection.or(&session.outer).complete(|name| env::var_os(name))?;
    block_on(single_threaded()?, async {
        let agent = connect(session, &texts);
        let mut lines = read_stdin()?;
        while let Some(line) = lines.recv().await {
            let answer = answer(&agent, &line.map_err(NoMoreLines)?).await;
            let mut stdout = io::stdout().lock();
            stdout.write_all(answer.as_bytes())?;
            stdout.flush()?;
        }
        Ok(())
    })
}

/// The lines of stdin, read by a thread of their own: the connection lives on while nothing comes, and one that the
/// agent closes meanwhile is not used for the next request.
fn read_stdin() -> anyhow::Result<mpsc::Receiver<io::Result<Line>>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    let reader = thread::Builder::new().name("stdin".into()).spawn(move || {
        let mut lines = Lines::new(io::stdin().lock());
        while let Some(line) = lines.next().transpose() {
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                return;
            }
        }
    });
    reader.context("stdin cannot be read")?;
    Ok(receiver)
}

/// Stdin broke: not the same as its end.
#[derive(Debug, thiserror::Error)]
#[error("stdin cannot be read")]
struct NoMoreLines(#[source] io::Error);

fn connect(session: &Session, texts: &ConnectionTexts) -> Result<Agent, Error> {
    session.agent(texts.parse()?)
}

/// The answer to a line, with its line end.
async fn answer(agent: &Result<Agent, Error>, line: &Line) -> String {
    let request = match line {
        Line::Whole(line) => Request::read(line),
        Line::TooLong => Request::unreadable(format!("expected a line of at most {MAX_LINE_BYTES} bytes, found more")),
    };
    let id = request.id;
    let refused = |error: &Error| render(&Answer { id, ok: false, value: None, error: Some(error) });
    match (agent, request.operation) {
        (Err(error), _) => refused(error),
        (Ok(_), Err(error)) => refused(&error),
        (Ok(agent), Ok(operation)) => match operation.run(agent).await {
            Ok(value) => render(&Answer { id, ok: true, value: Some(&value), error: None }),
            Err(error) => refused(&error),
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
        Err(why) => format!(r#"{{"ok":false,"error":{{"kind":"internal","message":"{why}"}}}}"#),
    };
    // An id comes back byte for byte, and between its parts there may be this blank, which some take for a line's end.
    text.retain(|c| c != '\r');
    text.push('\n');
    text
}

/// Lines that are read before they can be answered. One may be as long as [`MAX_LINE_BYTES`].
const LINES_AHEAD: usize = 1;

/// Shown below the long help.
pub(crate) const PROTOCOL: &str = r#"A line is {"id": ANY, "op": OPERATION, "args": {..}}; the answer is one of
  {"id": ANY, "ok": true, "value": ..}
  {"id": ANY, "ok": false, "error": {"kind": .., "message": ..}}     also "status" or "value" where there is one

Operations and their args (texts that are left out are empty):
  new              connect only; value null
  storage, backup-due, start-backup, backup-status, disks, host-metrics
  assign-disk      uuid, where, fstype, options; value null
  eject-disk       where
  format-disk      device, fstype, confirmed (true or false), durable_id
  fs-uuid          durable_id; no request
  opsign-command   op, host_scope, durable_id, fstype; no request

Kinds: invalid-argument, denied, pin-mismatch, unreachable, tls, interrupted, deadline, http-status,
response-too-large, bad-envelope, agent, decode, needs-confirmation, format-refused, internal.
A line that is no request is answered with invalid-argument. If connecting fails, every line gets that error.

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
