//! Events: a list, or a stream that goes on from a number (server-sent events).
//!
//! A stream first replays from the store what it has missed and then follows. A reader that lags behind what the feed keeps
//! is led back to the store: nothing is skipped. Where retention has removed what it asks for, it is told of the gap.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::event::Event;
use crate::store::StoreError;

/// What a list takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    /// Only events after this number.
    after: Option<i64>,
    limit: Option<u32>,
}

/// Events after a number, oldest first; as a stream where the client accepts one.
pub(super) async fn list(
    State(state): State<ApiState>,
    headers: HeaderMap,
    query: Result<Query<EventsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Query(EventsQuery { after, limit }) = query.map_err(|why| Problem::invalid(why.body_text()))?;
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/event-stream") {
        let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
        let following = Following::new(state, last.or(after));
        return Ok(Sse::new(following.stream()).keep_alive(KeepAlive::default()).into_response());
    }
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let events = state.store.reader().events_after(after.unwrap_or(0), limit).await?;
    Ok(Json(json!({ "events": events })).into_response())
}

/// One reader of the stream.
struct Following {
    state: ApiState,
    /// The number of the latest event that was sent; none before it is known where to begin.
    after: Option<i64>,
    replayed: VecDeque<Event>,
    /// There once all that is in the store has been sent.
    live: Option<Receiver<Arc<Event>>>,
}

impl Following {
    fn new(state: ApiState, after: Option<i64>) -> Self {
        Self { state, after, replayed: VecDeque::new(), live: None }
    }

    fn stream(self) -> impl Stream<Item = Result<SseEvent, Infallible>> {
        unfold(self, async |mut following| {
            let stop = following.state.stop.clone();
            tokio::select! {
                biased;
                () = stop.cancelled() => None,
                sent = following.next() => sent.map(|sent| (Ok(sent), following)),
            }
        })
    }

    async fn next(&mut self) -> Option<SseEvent> {
        loop {
            if let Some(event) = self.replayed.pop_front() {
                return Some(self.send(&event));
            }
            let Some(live) = &mut self.live else {
                match self.replay().await {
                    Ok(Some(gap)) => return Some(gap),
                    Ok(None) => continue,
                    // The store is frozen with the disk, or busy. What happens meanwhile is in it afterwards.
                    Err(_) => self.state.clock.sleep(PAUSE).await,
                }
                continue;
            };
            match live.recv().await {
                Ok(event) if Some(event.number) > self.after => return Some(self.send(&event)),
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => self.live = None,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Reads what was missed. Follows from before it reads, so that nothing falls between the two.
    async fn replay(&mut self) -> Result<Option<SseEvent>, StoreError> {
        let live = self.state.store.follow();
        let reader = self.state.store.reader();
        let numbers = reader.event_numbers().await?;
        let (oldest, newest) = numbers.unwrap_or((1, 0));
        // Who names no number wants what comes from now on; a number from the future is of another store.
        let after = self.after.unwrap_or(newest).min(newest);
        self.after = Some(after);
        if after + 1 < oldest {
            self.after = Some(oldest - 1);
            let text = json!({ "from": after + 1, "to": oldest - 1 }).to_string();
            return Ok(Some(SseEvent::default().event("gap").data(text)));
        }
        let events = reader.events_after(after, MAX_LIMIT).await?;
        if events.len() < MAX_LIMIT as usize {
            self.live = Some(live);
        }
        self.replayed = events.into();
        Ok(None)
    }

    fn send(&mut self, event: &Event) -> SseEvent {
        self.after = Some(event.number);
        let data = serde_json::to_string(event).unwrap_or_default();
        SseEvent::default().id(event.number.to_string()).event(event.kind.name()).data(data)
    }
}

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;
/// Between two attempts to read a store that does not answer.
const PAUSE: Duration = Duration::from_millis(500);
