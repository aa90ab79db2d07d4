//! Sends traces to a collector by OTLP over HTTP, as protobuf (`/v1/traces`).
//!
//! Each request has what waits at that time, so that a slow collector gets few large ones. Nobody waits for this task; it holds
//! what it sends in the bounded queue, and gives up after half a minute of trying.

mod request;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use prost::Message;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::Sources;
use super::queue::Waiting;
use crate::clock::Clock;
use crate::config::read_secret;
use crate::config::traces::Collector;
use crate::counters::{Counters, TraceOutcome};
use crate::notify::Delivery;
use crate::notify::post::{Post, read};

use request::request;

/// Sends what waits.
pub(super) struct Exporter {
    post: Post,
    token_file: Option<PathBuf>,
    guest: String,
    clock: Arc<dyn Clock>,
    counters: Counters,
    waiting: UnboundedReceiver<Waiting>,
    /// Whether the latest request failed: said once, and not at each of those that follow.
    is_failing: bool,
}

impl Exporter {
    pub(super) fn new(collector: &Collector, sources: Sources, waiting: UnboundedReceiver<Waiting>) -> Self {
        let Collector { url, token_file } = collector.clone();
        let Sources { clock, counters, guest } = sources;
        let post = Post::new(url.joined("/v1/traces"));
        Self { post, token_file, guest, clock, counters, waiting, is_failing: false }
    }

    /// Sends until the token says that no trace comes any more, and then for [`FLUSH`] at most.
    pub(super) async fn work(mut self, stop: CancellationToken) {
        let clock = Arc::clone(&self.clock);
        let is_over = async {
            stop.cancelled().await;
            clock.sleep(FLUSH).await;
        };
        tokio::select! {
            () = self.send_all(&stop) => {}
            () = is_over => tracing::warn!("traces are left that the collector did not take in {} s", FLUSH.as_secs()),
        }
    }

    async fn send_all(&mut self, stop: &CancellationToken) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                // What waits comes first, so that nothing does when this ends.
                biased;
                count = self.waiting.recv_many(&mut batch, MAX_TRACES) => match count {
                    0 => return,
                    _ => self.send(batch, stop).await,
                },
                () = stop.cancelled() => return,
            }
        }
    }

    /// Sends these, or gives up. Their room in the queue is free when this returns.
    async fn send(&mut self, batch: Vec<Waiting>, stop: &CancellationToken) {
        let body = request(&self.guest, batch.iter().map(|waiting| &waiting.trace)).encode_to_vec();
        let outcome = match (self.try_to_send(body.into(), stop).await, self.is_failing) {
            (Ok(()), was_failing) => {
                if was_failing {
                    tracing::info!("the collector takes traces again");
                }
                self.is_failing = false;
                TraceOutcome::Sent
            }
            (Err(why), was_failing) => {
                if !was_failing {
                    tracing::warn!("the collector does not take traces: {why}");
                }
                self.is_failing = true;
                TraceOutcome::Failed
            }
        };
        self.counters.traces_ended(outcome, batch.len() as u64);
    }

    async fn try_to_send(&self, body: Bytes, stop: &CancellationToken) -> Result<(), String> {
        let mut pause = FIRST_PAUSE;
        loop {
            let (why, after) = match self.post(body.clone()).await {
                Delivery::Delivered => return Ok(()),
                Delivery::Refused { why } => return Err(why),
                Delivery::TryAgain { why, after } => (why, after),
            };
            if pause > LONGEST_PAUSE || stop.is_cancelled() {
                return Err(why);
            }
            tokio::select! {
                () = self.clock.sleep(after.unwrap_or(pause).min(LONGEST_PAUSE)) => {}
                // Once more, and no more.
                () = stop.cancelled() => {}
            }
            pause *= 2;
        }
    }

    async fn post(&self, body: Bytes) -> Delivery {
        let mut headers = vec![
            ("content-type", "application/x-protobuf".to_owned()),
            ("user-agent", concat!("agentapi/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        match self.token_file.as_deref().map(|file| read_secret(file, "token_file")).transpose() {
            Ok(token) => headers.extend(token.map(|token| ("authorization", format!("Bearer {token}")))),
            Err(why) => return Delivery::Refused { why: format!("the token cannot be read: {why}") },
        }
        let answer = match self.post.ask(headers, body).await {
            Ok(answer) => answer,
            Err(delivery) => return delivery,
        };
        match read(&answer) {
            // OTLP has others sent once: their sender, and not the time, is what is wrong.
            Delivery::TryAgain { why, .. } if !SENT_AGAIN.contains(&answer.status().as_u16()) => {
                Delivery::Refused { why }
            }
            delivery => delivery,
        }
    }
}

/// The statuses after which a request is sent again (OTLP specification, "OTLP/HTTP Response", retryable codes).
const SENT_AGAIN: [u16; 4] = [429, 502, 503, 504];
/// Traces in one request at most.
const MAX_TRACES: usize = 512;
/// Before the second attempt. Each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, after which it is given up: half a minute altogether, in which a collector is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// How long the end of the controller waits for the collector: long for one that answers, and short for whoever waits.
const FLUSH: Duration = Duration::from_secs(3);

#[cfg(test)]
pub(crate) mod tests;
