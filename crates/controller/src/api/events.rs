//! Events: a list, or a stream that goes on from a number (server-sent events).
//!
//! A stream first replays from the store what it has missed and then follows. A reader that lags behind what the feed keeps
//! is led back to the store: nothing is skipped. Where retention has removed what it asks for, it is told of the gap.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use utoipa::{IntoParams, ToSchema};

use crate::api::ApiState;
use crate::api::extract::Parameters;
use crate::api::page::{Cursor, EVENTS, Limit, MAX_LIMIT};
use crate::api::problem::Problem;
use crate::event::Event;
use crate::store::{Page, StoreError};

/// Which events are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventsQuery {
    /// Only events after this number. A stream without it begins with what happens next.
    after: Option<i64>,
    /// How many; a stream has no end.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<Limit>,
    /// The `cursor` of the page before this one; takes the place of `after`.
    #[param(value_type = Option<String>, pattern = "^e[0-9]{1,18}$")]
    cursor: Option<Cursor<EVENTS>>,
}

/// Where a stream goes on.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
struct StreamHeaders {
    /// The number of the latest event of a stream that broke off.
    #[param(rename = "Last-Event-ID", value_type = i64, required = false)]
    last_event_id: Option<i64>,
}

impl StreamHeaders {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let Some(value) = headers.get("last-event-id") else { return Ok(Self { last_event_id: None }) };
        let number = value.to_str().ok().and_then(|text| text.parse().ok());
        let wrong = || Problem::invalid("expected the number of an event as Last-Event-ID");
        Ok(Self { last_event_id: Some(number.ok_or_else(wrong)?) })
    }
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(super) struct EventList {
    /// The oldest first.
    events: Vec<Event>,
    /// Leads to the next page; null on the last so far.
    #[schema(value_type = Option<String>)]
    cursor: Option<Cursor<EVENTS>>,
}

/// Events that were forgotten before they could be sent.
#[derive(Serialize)]
struct Gap {
    from: i64,
    to: i64,
}

/// Lists events, the oldest first; as a stream where the client accepts one
///
/// With `Accept: text/event-stream` the answer is a stream of server-sent events that goes on from `Last-Event-ID`, or from
/// `after`. The data of each is an `Event`, its name the event's `kind`, its id the number. An event of the name `gap` says
/// that those with the numbers `from` to `to` are not kept any more. A number that is greater than that of every event is of
/// a state that was set aside, and the stream goes on from the beginning of this one.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "list_events", tag = "events",
    params(EventsQuery, StreamHeaders),
    responses((status = 200, content((EventList = "application/json"), (String = "text/event-stream"))))
)]
pub(super) async fn list(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Parameters(EventsQuery { after, limit, cursor }): Parameters<EventsQuery>,
) -> Result<Response, Problem> {
    let after = cursor.map(|cursor| cursor.0).or(after);
    let StreamHeaders { last_event_id } = StreamHeaders::read(&headers)?;
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/event-stream") {
        let following = Following::new(state, last_event_id.or(after));
        return Ok(Sse::new(following.stream()).keep_alive(KeepAlive::default()).into_response());
    }
    let limit = limit.unwrap_or_default().get();
    let events = state.store.reader().events_after(after.unwrap_or(0), limit + 1).await?;
    let Page { items, next } = Page::of(events, limit, |event| event.number);
    Ok(Json(EventList { events: items, cursor: next.map(Cursor) }).into_response())
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
        let after = match self.after {
            // Who names no number wants what comes from now on.
            None => newest,
            // A number from the future is of a store that was set aside: nothing of this one is known to the reader.
            Some(after) if after > newest => 0,
            Some(after) => after.max(0),
        };
        self.after = Some(after);
        if after + 1 < oldest {
            self.after = Some(oldest - 1);
            let gap = Gap { from: after + 1, to: oldest - 1 };
            let text = serde_json::to_string(&gap).unwrap_or_default();
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

/// Between two attempts to read a store that does not answer.
const PAUSE: Duration = Duration::from_millis(500);
