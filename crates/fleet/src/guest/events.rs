//! Tells the bus what happens: each event of the controller's history, in its order, from where the last one was told.
//!
//! While the bus is gone they stay in the history. Of what has come together by then, only the newest [`MAX_BEHIND`] are told,
//! and of older ones those that matter; what is left out is counted in an event of its own.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::controller::Companion;
use agentapi_controller::event::{Event, Severity};
use agentapi_controller::store::{StoreError, Tx};
use agentapi_host::error_chain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bus::Bus;
use crate::name::GuestName;

/// As it is told. A reader tells events apart by the guest, `state` and `number`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldEvent {
    /// The history that it is of: a guest whose state was set aside counts from 1 again.
    pub state: String,
    /// Its place in that history.
    pub number: i64,
    /// When, by the guest's clock.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// What it is about.
    pub subject: String,
    /// The run that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<i64>,
    /// One sentence. It may hold texts of an agent or of an extension.
    pub text: String,
}

/// How far a history was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    state: String,
    number: i64,
}

/// Tells the events of one guest.
pub(super) struct Uplink {
    companion: Companion,
    bus: Arc<dyn Bus>,
    name: GuestName,
}

impl Uplink {
    pub(super) fn new(companion: Companion, bus: Arc<dyn Bus>, name: GuestName) -> Self {
        Self { companion, bus, name }
    }

    /// Works for ever.
    pub(super) async fn work(self) {
        let mut feed = self.companion.store.follow();
        loop {
            match self.tell_all().await {
                Ok(()) => {
                    // What it says is read from the history: here it only wakes.
                    let _ = feed.recv().await;
                    feed = feed.resubscribe();
                }
                Err(why) => {
                    tracing::debug!(error = why, "events wait to be told");
                    self.companion.clock.sleep(PAUSE).await;
                }
            }
        }
    }

    /// Tells what has not been told. Returns when nothing is left.
    async fn tell_all(&self) -> Result<(), String> {
        let mut position = self.position().await.map_err(|why| error_chain(&why))?;
        loop {
            let after = position.number;
            let events = self.companion.store.reader().events_after(after, MAX_BATCH).await;
            let events = events.map_err(|why| error_chain(&why))?;
            let (Some(last), newest) = (events.last().map(|event| event.number), self.newest().await?) else {
                return Ok(());
            };
            let mut left_out = 0u32;
            for event in &events {
                let is_old = newest - event.number >= MAX_BEHIND;
                match is_old && event.severity == Severity::Info {
                    true => left_out += 1,
                    false => self.tell(&position.state, event).await?,
                }
            }
            if left_out > 0 {
                self.tell_left_out(&position.state, last, left_out).await?;
            }
            position.number = last;
            self.keep(&position).await.map_err(|why| error_chain(&why))?;
        }
    }

    async fn newest(&self) -> Result<i64, String> {
        let numbers = self.companion.store.reader().event_numbers().await.map_err(|why| error_chain(&why))?;
        Ok(numbers.map_or(0, |(_, newest)| newest))
    }

    async fn tell(&self, state: &str, event: &Event) -> Result<(), String> {
        let told = ToldEvent {
            state: state.to_owned(),
            number: event.number,
            at: event.at,
            kind: event.kind.to_string(),
            severity: event.severity,
            subject: event.subject.clone(),
            run: event.run.map(|run| run.0),
            text: event.text.chars().take(MAX_TEXT_CHARS).collect(),
        };
        self.send(&told, &format!("{}-{state}-{}", self.name, event.number)).await
    }

    async fn tell_left_out(&self, state: &str, number: i64, left_out: u32) -> Result<(), String> {
        let told = ToldEvent {
            state: state.to_owned(),
            number,
            at: self.companion.clock.now(),
            kind: LEFT_OUT.to_owned(),
            severity: Severity::Warning,
            subject: "controller".to_owned(),
            run: None,
            text: format!("{left_out} events that only inform were left out, because the bus was gone for too long"),
        };
        self.send(&told, &format!("{}-{state}-{number}-left-out", self.name)).await
    }

    async fn send(&self, told: &ToldEvent, id: &str) -> Result<(), String> {
        let payload = serde_json::to_vec(told).map_err(|why| why.to_string())?;
        self.bus.append(&self.name, id, payload.into()).await.map_err(|why| error_chain(&why))
    }

    /// Where it goes on: at the beginning of this history, where another one was told before.
    async fn position(&self) -> Result<Position, StoreError> {
        let now = self.companion.clock.now();
        let read = move |tx: &mut Tx<'_>| Ok((state_id(tx, now)?, tx.kept_for_fleet(POSITION)?));
        let (state, kept) = self.companion.store.writer().write(read).await?;
        let kept = kept.and_then(|kept| serde_json::from_slice::<Position>(&kept).ok());
        Ok(kept.filter(|kept| kept.state == state).unwrap_or(Position { state, number: 0 }))
    }

    /// A position that was not kept before a crash makes some events be told twice, which a reader tells by their number.
    async fn keep(&self, position: &Position) -> Result<(), StoreError> {
        let kept = serde_json::to_vec(position).unwrap_or_default();
        self.companion.store.writer().write(move |tx| tx.keep_for_fleet(POSITION, &kept)).await
    }
}

/// The name of a history: when it was first told of.
fn state_id(tx: &mut Tx<'_>, now: Timestamp) -> Result<String, StoreError> {
    if let Some(id) = tx.kept_for_fleet(STATE_ID)? {
        return Ok(String::from_utf8_lossy(&id).into_owned());
    }
    let id = format!("{:x}", now.as_microsecond());
    tx.keep_for_fleet(STATE_ID, id.as_bytes())?;
    Ok(id)
}

/// The kind of the event that stands for those that were left out.
pub const LEFT_OUT: &str = "events-left-out";
const STATE_ID: &str = "state-id";
const POSITION: &str = "events-told";
/// Events that are read at once.
const MAX_BATCH: u32 = 100;
/// Events that only inform are told if at most so many came after them: a day's worth of a busy guest.
pub const MAX_BEHIND: i64 = 1000;
const MAX_TEXT_CHARS: usize = 1000;
const PAUSE: Duration = Duration::from_secs(10);
