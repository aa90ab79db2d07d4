//! Passes requests on to the agent, and writes each exchange down before its answer is passed back.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use agentapi_host::{Agent, Error, Mask, Route};
use agentapi_mock::{Failure, Outcome, RecordedExchange, RecordingWriter, Upstream};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

/// An agent whose answers are recorded.
pub(super) struct Recorder(Arc<Inner>);

struct Inner {
    agent: Agent,
    mask: Mask,
    file: Mutex<RecordingWriter>,
    failed: mpsc::Sender<io::Error>,
    started: Instant,
}

impl Recorder {
    /// The first failure to write is sent to `failed`.
    pub(super) fn new(agent: Agent, mask: Mask, file: RecordingWriter, failed: mpsc::Sender<io::Error>) -> Self {
        Self(Arc::new(Inner { agent, mask, file: Mutex::new(file), failed, started: Instant::now() }))
    }
}

impl Upstream for Recorder {
    fn exchange(&self, route: Route, body: Bytes) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
        let (answer, answered) = oneshot::channel();
        let inner = Arc::clone(&self.0);
        // In a task of its own: the future is dropped when the client gives up, and that must be in the recording too.
        tokio::spawn(async move {
            let at = inner.started.elapsed();
            let request = inner.request(&body);
            let outcome = inner.outcome(route, body).await;
            let outcome = if answer.is_closed() { Outcome::Failed(Failure::Abandoned) } else { outcome };
            let took = inner.started.elapsed().saturating_sub(at);
            inner.write(&RecordedExchange { at, route, request, took, outcome: outcome.clone() });
            // Fails where the client gave up just now.
            let _ = answer.send(outcome);
        });
        Box::pin(async { answered.await.unwrap_or(Outcome::Failed(Failure::Internal)) })
    }
}

impl Inner {
    /// The body as the recording has it. One that is not JSON is a text there.
    fn request(&self, body: &Bytes) -> Value {
        let body = self.mask.body(body.clone());
        match serde_json::from_slice(&body) {
            _ if body.is_empty() => Value::Null,
            Ok(value) => value,
            Err(_) => String::from_utf8_lossy(&body).into(),
        }
    }

    async fn outcome(&self, route: Route, body: Bytes) -> Outcome {
        match self.agent.exchange(route, body).await {
            Ok(answer) => Outcome::Answer { status: answer.status, body: self.mask.body(answer.body) },
            Err(error) => {
                tracing::warn!(route = route.name(), kind = error.kind(), "the agent gave no whole answer");
                Outcome::Failed(failure(&error))
            }
        }
    }

    fn write(&self, exchange: &RecordedExchange) {
        let written = self.file.lock().unwrap_or_else(PoisonError::into_inner).append(exchange);
        if let Err(error) = written {
            // Full where an earlier failure is ending the command already.
            let _ = self.failed.try_send(error);
        }
    }
}

fn failure(error: &Error) -> Failure {
    Failure::named(error.kind()).unwrap_or(Failure::Internal)
}
