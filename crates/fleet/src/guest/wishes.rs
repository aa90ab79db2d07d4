//! Does what the guest is wished: reads its own wish and that of its ring, remembers both, and begins a backup where there is
//! none as new as is wished. Without the bus it goes by what it last read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::action::{Action, Refusal as NotDone};
use agentapi_controller::actor::Actor;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::owner::{Activity, SubjectStatus};
use agentapi_controller::run::host::BACKUP;
use agentapi_controller::standing::Wish;
use agentapi_controller::store::StoreError;
use agentapi_host::error_chain;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::bus::{Bus, Table};
use crate::guest::inbox::LookError;
use crate::guest::kept::Kept;
use crate::guest::refusals::Refusals;
use crate::heartbeat::EVERY;
use crate::name::GuestName;
use crate::slots::Slots;
use crate::want::{BackupWish, ExtensionWish, Want, Whose};

/// What was last read: in force until something newer is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wanted {
    /// The wish for the guest itself.
    pub(super) own: Want,
    /// That for its ring.
    pub(super) ring: Want,
    /// Which ring that is: a guest that is moved to another one begins anew with the wishes of that.
    #[serde(default)]
    of_ring: Option<u8>,
}

impl Wanted {
    fn be_of(&mut self, ring: u8) {
        if self.of_ring.replace(ring) != Some(ring) {
            self.ring = Want::default();
        }
    }

    /// The extensions that are wanted: the guest's own wish goes before its ring's.
    pub(super) fn extensions(&self) -> BTreeMap<String, ExtensionWish> {
        let both = self.ring.extensions.iter().chain(&self.own.extensions);
        both.map(|(name, wish)| (name.clone(), wish.clone())).collect()
    }
}

/// The wishes of one guest.
pub(super) struct Wishes {
    companion: Companion,
    bus: watch::Receiver<Option<Arc<dyn Bus>>>,
    own: Whose,
    ring: u8,
    slots: Slots,
    kept: Kept<Wanted>,
    refusals: Refusals,
    wanted: watch::Sender<Wanted>,
}

impl Wishes {
    pub(super) fn new(companion: Companion, name: GuestName, ring: u8, slots: Slots) -> Self {
        let refusals = Refusals::new(companion.clone(), EventKind::WishRefused, "wishes-refused");
        let kept = Kept::new(companion.store.clone(), "wishes");
        let own = Whose::Guest(name);
        Self { companion, bus: slots.bus(), own, ring, slots, kept, refusals, wanted: watch::Sender::default() }
    }

    /// What is in force.
    pub(super) fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    /// Looks for ever, as often as the guest sends heartbeats.
    pub(super) async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "wishes are looked at later");
            }
            tokio::select! {
                Ok(()) = self.bus.changed() => {}
                () = self.companion.clock.sleep(EVERY) => {}
            }
        }
    }

    async fn look(&mut self) -> Result<(), LookError> {
        let read = self.read().await;
        let wanted = self.known().await?;
        self.wanted.send_if_modified(|known| std::mem::replace(known, wanted.clone()) != wanted);
        let own = wanted.own.backup.as_ref().map(|wish| (self.own.clone(), wish));
        let backup = own.or_else(|| wanted.ring.backup.as_ref().map(|wish| (Whose::Ring(self.ring), wish)));
        self.slots.set_priority(backup.as_ref().and_then(|(_, wish)| wish.priority));
        let shown = match backup {
            Some((whose, wish)) => Some(self.back_up(&whose.to_string(), wish).await?),
            None => None,
        };
        self.companion
            .standing
            .send_if_modified(|standing| std::mem::replace(&mut standing.wish, shown.clone()) != shown);
        read
    }

    /// What is kept, of this guest and of the ring that it is in.
    async fn known(&self) -> Result<Wanted, StoreError> {
        let mut wanted = self.kept.read().await?;
        wanted.be_of(self.ring);
        Ok(wanted)
    }

    /// Takes what is newer on the bus.
    async fn read(&mut self) -> Result<(), LookError> {
        let Some(bus) = self.bus.borrow().clone() else { return Ok(()) };
        for whose in [self.own.clone(), Whose::Ring(self.ring)] {
            // One that is not there takes nothing back: the bus may have forgotten it.
            let Some(entry) = bus.get(Table::Want, &whose.key()).await? else { continue };
            let wanted = self.known().await?;
            let known = if whose == self.own { wanted.own } else { wanted.ring };
            match known.newer(&entry) {
                Ok(None) => {}
                Ok(Some(want)) => self.take(whose, want).await?,
                Err(refusal) => {
                    let digest = hex::encode(Sha256::digest(entry.value.as_deref().unwrap_or_default()));
                    self.refusals.tell(&digest, &whose.to_string(), &refusal).await?;
                }
            }
        }
        Ok(())
    }

    async fn take(&self, whose: Whose, want: Want) -> Result<(), StoreError> {
        let backup = want.backup.as_ref().map_or_else(|| "nothing of backups".to_owned(), ToString::to_string);
        let extensions = want.extensions.iter().map(|(name, wish)| match &wish.digest {
            Some(digest) => format!(", {name} with the SHA-256 {digest}"),
            None => format!(", {name} from the guest's own file"),
        });
        let text = format!("{whose} is in force (number {}): {backup}{}", want.number, extensions.collect::<String>());
        let (kind, severity, subject) = (EventKind::WishTaken, Severity::Info, "controller".to_owned());
        let event = NewEvent { kind, severity, subject, run: None, text };
        let (is_own, ring) = (whose == self.own, self.ring);
        let take = move |wanted: &mut Wanted| {
            wanted.be_of(ring);
            match is_own {
                true => wanted.own = want,
                false => wanted.ring = want,
            }
        };
        self.kept.change(take, Some((self.companion.clock.now(), event))).await
    }

    /// Begins a backup if one is due by the wish and nothing is against it.
    async fn back_up(&self, whose: &str, wish: &BackupWish) -> Result<Wish, LookError> {
        let now = self.companion.clock.now();
        let schedule = self.companion.plan.borrow().subject(BACKUP).and_then(|subject| subject.schedule.clone());
        let zone = schedule.as_ref().map_or_else(TimeZone::system, |schedule| schedule.zone().clone());
        let subject = self.companion.status.get().subjects.iter().find(|subject| subject.name == BACKUP).cloned();
        let newest = subject.as_ref().and_then(|subject| subject.last_success);
        // It was checked when it was taken.
        let due = wish.due(newest, now, zone).unwrap_or_default();
        let mut shown = Wish { from: whose.to_owned(), text: wish.to_string(), due, held_back: None };
        let Some(due) = due.filter(|due| *due <= now) else { return Ok(shown) };
        shown.held_back = against(subject.as_ref(), schedule.is_none(), now);
        if shown.held_back.is_none() {
            let actor =
                Actor::Fleet { what: format!("{whose}: {wish}, due since {}", due.strftime("%Y-%m-%d %H:%M UTC")) };
            match self.companion.actions.ask(Action::RunNow { subject: BACKUP.to_owned() }, actor).await {
                Ok(_) => {}
                Err(why @ NotDone::NoSubject(_)) => shown.held_back = Some(why.to_string()),
                Err(why) => return Err(LookError::NotDone(why)),
            }
        }
        Ok(shown)
    }
}

/// Why no backup is begun by a wish. What is paused here is paused for the fleet as well.
fn against(subject: Option<&SubjectStatus>, has_no_schedule: bool, now: Timestamp) -> Option<String> {
    let Some(subject) = subject else { return Some("there is no [backup] in the configuration".into()) };
    if subject.is_paused || has_no_schedule {
        return Some("its schedule is paused here".into());
    }
    match subject.activity {
        Activity::Running { .. } => return Some("one runs".into()),
        Activity::Waiting { .. } => return Some("one waits for its turn".into()),
        Activity::Idle => {}
    }
    let pause = SignedDuration::try_from(PAUSE).unwrap_or_default();
    let again = subject.last_start.map(|last| last + pause).filter(|again| now < *again && *again <= now + pause)?;
    Some(format!("one has not come to a good end; another follows at {}", again.strftime("%H:%M UTC")))
}

/// After a backup by a wish that failed, the next.
const PAUSE: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::{Want, Wanted};

    #[test]
    fn a_guest_that_is_moved_to_another_ring_begins_with_the_wishes_for_that() {
        let mut wanted = Wanted::default();
        wanted.be_of(1);
        (wanted.own.number, wanted.ring.number) = (7, 50);
        wanted.be_of(1);
        assert_eq!((wanted.own.number, wanted.ring.number), (7, 50));
        wanted.be_of(2);
        assert_eq!((wanted.own.number, &wanted.ring), (7, &Want::default()));
    }
}
