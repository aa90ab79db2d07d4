//! A stream that says when something has changed. It carries nothing else: the page asks for itself again.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};

use crate::api::ApiState;

pub(super) async fn stream(State(state): State<ApiState>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = (state.owner.status.clone(), state.findings.clone(), state.desk.waiting(), state.store.follow());
    let board = state.board.subscribe();
    let stream = unfold((state, changes, board), async |(state, mut changes, mut board)| {
        let (status, findings, waiting, events) = &mut changes;
        tokio::select! {
            biased;
            () = state.stop.cancelled() => return None,
            is_there = status.changed() => if !is_there { return None },
            Ok(()) = findings.changed() => {}
            Ok(()) = waiting.changed() => {}
            Ok(()) = board.changed() => {}
            // One that lags has missed events, and asks again as for one.
            _ = events.recv() => {}
        }
        // Many changes at once are one.
        state.clock.sleep(PAUSE).await;
        Some((Ok(Event::default().data("changed")), (state, changes, board)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// As often as a page may be asked for again.
const PAUSE: Duration = Duration::from_millis(500);
