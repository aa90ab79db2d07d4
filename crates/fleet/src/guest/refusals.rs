//! Tells of what was refused: an event each, once for each statement and cause.

use std::fmt::Display;
use std::time::Duration;

use agentapi_controller::clock::Monotonic;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::store::StoreError;

use crate::signed::Refusal;
use crate::want::WantRefusal;

/// Why something is refused.
pub(super) trait Refused: Display + Sync {
    /// The cause's name.
    fn name(&self) -> &'static str;
}

impl Refused for Refusal {
    fn name(&self) -> &'static str {
        self.name()
    }
}

impl Refused for WantRefusal {
    fn name(&self) -> &'static str {
        self.name()
    }
}

/// What was refused of one kind.
pub(super) struct Refusals {
    companion: Companion,
    kind: EventKind,
    /// The key under which it is kept which ones were told.
    kept_as: &'static str,
    /// Those that were told, the latest last; none until they are read.
    told: Option<Vec<String>>,
    /// Since when they are counted, and how many there were.
    hour: (Monotonic, u32),
}

impl Refusals {
    pub(super) fn new(companion: Companion, kind: EventKind, kept_as: &'static str) -> Self {
        let hour = (companion.clock.monotonic(), 0);
        Self { companion, kind, kept_as, told: None, hour }
    }

    /// Tells that what has this digest was refused, unless that was told before, or too many were of late: whoever
    /// can write to the bus could fill the history with them.
    pub(super) async fn tell(&mut self, digest: &str, what: &str, refusal: &dyn Refused) -> Result<(), StoreError> {
        let mut told = match self.told.take() {
            Some(told) => told,
            None => self.read().await?,
        };
        let short = digest.get(..DIGEST_CHARS).unwrap_or(digest);
        let name = format!("{short} {}", refusal.name());
        if told.contains(&name) || !self.may_tell() {
            self.told = Some(told);
            return Ok(());
        }
        told.push(name);
        told.drain(..told.len().saturating_sub(MAX_REMEMBERED));
        let left = if self.hour.1 == MAX_AN_HOUR { "; no more are told of for an hour" } else { "" };
        let text = format!("{what} is refused ({}): {refusal}{left}", refusal.name());
        tracing::warn!(text, "refused");
        self.write(text, &told).await?;
        self.told = Some(told);
        Ok(())
    }

    async fn read(&self) -> Result<Vec<String>, StoreError> {
        let key = self.kept_as;
        let kept = self.companion.store.writer().write(move |tx| tx.kept_for_fleet(key)).await?;
        Ok(kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default())
    }

    async fn write(&self, text: String, told: &[String]) -> Result<(), StoreError> {
        let (at, key, kind) = (self.companion.clock.now(), self.kept_as, self.kind);
        let kept = serde_json::to_vec(told).unwrap_or_default();
        let write = self.companion.store.writer().write(move |tx| {
            tx.keep_for_fleet(key, &kept)?;
            let (severity, subject) = (Severity::Warning, "controller".to_owned());
            tx.event(at, NewEvent { kind, severity, subject, run: None, text })
        });
        write.await
    }

    fn may_tell(&mut self) -> bool {
        let now = self.companion.clock.monotonic();
        if now.since(self.hour.0) >= HOUR {
            self.hour = (now, 0);
        }
        self.hour.1 = self.hour.1.saturating_add(1);
        self.hour.1 <= MAX_AN_HOUR
    }
}

/// More than a full list has causes, many times over.
const MAX_REMEMBERED: usize = 100;
/// As many events as a person reads of this, and few enough that they push nothing else out of the history.
const MAX_AN_HOUR: u32 = 50;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Enough to tell statements apart.
const DIGEST_CHARS: usize = 16;
