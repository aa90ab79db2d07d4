//! Shows people what the coordinator sees: a board for the pages of its controller, kept while the bus is gone.

use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agentapi_controller::board::{Board, GuestEvent, Lost};
use agentapi_controller::clock::Clock;
use futures_util::StreamExt;
use tokio::sync::watch;

use crate::bus::{Bus, Record, Start};
use crate::guest::ToldEvent;

/// Publishes boards. Clones publish the same one.
#[derive(Clone)]
pub struct Showing {
    board: Arc<watch::Sender<Option<Arc<Board>>>>,
    clock: Arc<dyn Clock>,
    latest: Arc<Mutex<VecDeque<Told>>>,
}

/// An event, with what tells it from those of its guest: one that was told twice is shown once.
struct Told {
    key: (String, i64),
    event: GuestEvent,
}

impl Showing {
    /// Shows a board on which nothing is yet.
    pub fn new(board: Arc<watch::Sender<Option<Arc<Board>>>>, clock: Arc<dyn Clock>) -> Self {
        let showing = Self { board, clock, latest: Arc::default() };
        showing.publish(Board::default());
        showing
    }

    /// Shows what was seen, with what has happened until now.
    pub(super) fn show(&self, board: Board) {
        let events = self.latest().iter().map(|told| told.event.clone()).collect();
        self.publish(Board { events, ..board });
    }

    /// The bus does not answer. The cause may change; since when does not.
    pub(super) fn lost(&self, why: impl Display) {
        let board = self.board.borrow().as_deref().cloned().unwrap_or_default();
        let since = board.lost.as_ref().map_or_else(|| self.clock.now(), |lost| lost.since);
        self.publish(Board { lost: Some(Lost { since, why: why.to_string() }), ..board });
    }

    /// Follows what happens, for ever.
    pub(super) async fn follow(&self, bus: &dyn Bus) {
        loop {
            // Those that are shown already come once more, and are known: a bus that has lost its store counts anew.
            let connections = bus.connections();
            if let Ok(mut records) = bus.follow(Start::Latest(MAX_EVENTS as u64)).await {
                while let Some(Ok(record)) = records.next().await {
                    self.take(&record);
                    // A client of NATS goes on behind the latest record that it had: of a new store, it would miss the first.
                    if bus.connections() != connections {
                        break;
                    }
                }
            }
            self.clock.sleep(PAUSE).await;
        }
    }

    fn take(&self, record: &Record) {
        let Ok(told) = serde_json::from_slice::<ToldEvent>(&record.payload) else { return };
        let ToldEvent { state, number, at, kind, severity, subject, text, .. } = told;
        let (guest, key) = (record.guest.to_string(), (state, number));
        let event = GuestEvent { guest, at, kind, severity, subject, text };
        let mut latest = self.latest();
        let is_known =
            |told: &Told| told.key == key && told.event.guest == event.guest && told.event.kind == event.kind;
        if !latest.iter().any(is_known) {
            latest.push_front(Told { key, event });
            latest.truncate(MAX_EVENTS);
        }
    }

    fn latest(&self) -> MutexGuard<'_, VecDeque<Told>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Open pages ask again where there is something else to see, and not whenever a guest was heard.
    fn publish(&self, board: Board) {
        self.board.send_if_modified(|shown| {
            let is_same = shown.as_ref().is_some_and(|shown| shown.shows_the_same(&board));
            *shown = Some(Arc::new(board));
            !is_same
        });
    }
}

/// More than a person reads at once: the command lists all.
const MAX_EVENTS: usize = 200;
/// Before it is tried anew to follow what happens.
const PAUSE: Duration = Duration::from_secs(10);
