//! The gate before a backup: waits for a slot in its group.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use agentapi_controller::clock::Clock;
use agentapi_controller::config::fleet::LONGEST_WAIT;
use agentapi_controller::gate::{Entering, Gate, Pass};
use agentapi_controller::run::host::BACKUP;
use agentapi_controller::standing::Slot;
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::bus::{Bus, BusError, Expect, Table};
use crate::name::GuestName;
use crate::slots::stay::Stay;
use crate::slots::{Group, write};
use crate::want::MAX_PRIORITY;

/// What a guest does where the bus is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutBus {
    /// It backs up, a little later, by its name: not all guests of a host at once.
    #[default]
    Run,
    /// It waits, as long as it would wait for a slot.
    Wait,
}

/// Whose slots, and how long they are waited for.
#[derive(Clone, Debug)]
pub struct SlotsConfig {
    /// The guest.
    pub guest: GuestName,
    /// Its group.
    pub group: GuestName,
    /// What it does where the bus is gone.
    pub without_bus: WithoutBus,
    /// How long a backup waits at most. Then it runs without a slot.
    pub longest_wait: Duration,
}

impl SlotsConfig {
    /// It backs up without the bus, and waits for up to six hours.
    pub fn new(guest: GuestName, group: GuestName) -> Self {
        Self { guest, group, without_bus: WithoutBus::Run, longest_wait: LONGEST_WAIT }
    }
}

/// The slots of one guest: the gate that its controller asks. Clones are the same.
#[derive(Clone, Debug)]
pub struct Slots(pub(super) Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: SlotsConfig,
    pub(super) clock: Arc<dyn Clock>,
    /// The bus; none until it was reached for the first time.
    pub(super) bus: watch::Sender<Option<Arc<dyn Bus>>>,
    /// How many may back up at once, as this guest has known it last. It tells a bus that has forgotten it.
    pub(super) max: watch::Sender<Option<u32>>,
    /// Whether the bus has ever said how many may, or that slots are not counted.
    pub(super) is_known: AtomicBool,
    /// Set until what an earlier controller has stored of `max` is read.
    pub(super) awaits_memory: AtomicBool,
    pub(super) slot: watch::Sender<Option<Slot>>,
    priority: AtomicU8,
}

impl Slots {
    /// Without a bus, which comes [later](Self::connect).
    pub fn new(config: SlotsConfig, clock: Arc<dyn Clock>) -> Self {
        let (bus, max, slot) = (watch::Sender::default(), watch::Sender::default(), watch::Sender::default());
        let (is_known, awaits_memory) = (AtomicBool::new(false), AtomicBool::new(false));
        let priority = AtomicU8::new(PRIORITY);
        Self(Arc::new(Shared { config, clock, bus, max, is_known, awaits_memory, slot, priority }))
    }

    /// Lets nobody in before what an earlier controller knew is [remembered](Self::remember): the guests of a host that starts
    /// again would all back up at once, before they reach the bus.
    pub fn await_memory(self) -> Self {
        self.0.awaits_memory.store(true, Ordering::Relaxed);
        self
    }

    /// This is the bus from now on.
    pub fn connect(&self, bus: Arc<dyn Bus>) {
        self.0.bus.send_replace(Some(bus));
    }

    /// The group in which they are counted.
    pub fn group(&self) -> &GuestName {
        &self.0.config.group
    }

    /// The bus, once it was reached.
    pub(crate) fn bus(&self) -> watch::Receiver<Option<Arc<dyn Bus>>> {
        self.0.bus.subscribe()
    }

    /// The priority of this guest's backups that no person has asked for.
    pub fn set_priority(&self, priority: Option<u8>) {
        self.0.priority.store(priority.unwrap_or(PRIORITY), Ordering::Relaxed);
    }

    /// How many may back up at once, as an earlier controller knew it.
    pub fn remember(&self, max: Option<u32>) {
        // Not in place of what the bus has said meanwhile.
        if !self.0.is_known.load(Ordering::Relaxed) {
            self.0.max.send_replace(max);
            self.0.is_known.fetch_or(max.is_some(), Ordering::Relaxed);
        }
        self.0.awaits_memory.store(false, Ordering::Relaxed);
    }

    /// How many may back up at once, as far as is known.
    pub fn max(&self) -> watch::Receiver<Option<u32>> {
        self.0.max.subscribe()
    }

    /// Learns from the bus how many may back up at once, and tells a bus that has forgotten it. Not at a backup only: if no guest
    /// has had one when the bus loses its store, the number would be lost with it.
    pub(crate) async fn agree(&self, bus: &dyn Bus) -> Result<(), BusError> {
        match self.0.read(bus).await? {
            Some((group, Expect::Nothing)) => match self.0.write(bus, &group, Expect::Nothing).await {
                // Another guest has told it.
                Err(BusError::Changed { .. }) => Ok(()),
                outcome => outcome,
            },
            _ => Ok(()),
        }
    }

    /// The slot of this guest's backup.
    pub fn slot(&self) -> watch::Receiver<Option<Slot>> {
        self.0.slot.subscribe()
    }

    fn stay(&self, by_person: bool, waits: Option<oneshot::Sender<()>>) -> Pass {
        let priority = if by_person { PERSON } else { self.0.priority.load(Ordering::Relaxed) };
        let stop = CancellationToken::new();
        tokio::spawn(Stay::new(Arc::clone(&self.0), priority, waits).stay(stop.clone()));
        Box::new(stop.drop_guard())
    }
}

impl Shared {
    /// The group, as it is or as the bus has forgotten it; none where nobody counts.
    pub(super) async fn read(&self, bus: &dyn Bus) -> Result<Option<(Group, Expect)>, BusError> {
        let entry = bus.get(Table::Slot, self.config.group.as_str()).await?;
        let read = match entry {
            None => self.max.borrow().map(|max| (Group { max: Some(max), ..Group::default() }, Expect::Nothing)),
            Some(entry) => {
                let group: Group =
                    serde_json::from_slice(entry.value.as_deref().unwrap_or_default()).map_err(|why| {
                        BusError::Unusable(format!("the slots of {} cannot be read: {why}", self.config.group))
                    })?;
                self.max.send_if_modified(|max| std::mem::replace(max, group.max) != group.max);
                Some((group, Expect::Revision(entry.revision)))
            }
        };
        self.is_known.store(true, Ordering::Relaxed);
        Ok(read)
    }

    pub(super) async fn write(&self, bus: &dyn Bus, group: &Group, expect: Expect) -> Result<(), BusError> {
        write(bus, &self.config.group, group, expect).await
    }
}

impl Gate for Slots {
    fn enter(&self, run: Entering) -> Pin<Box<dyn Future<Output = Pass> + Send>> {
        if run.subject != BACKUP {
            return Box::pin(std::future::ready(Box::new(()) as Pass));
        }
        let slots = self.clone();
        Box::pin(async move {
            let (waits, let_in) = oneshot::channel();
            let pass = slots.stay(run.by_person, Some(waits));
            // An error means that the task has panicked. Then the backup runs: a slot never costs one.
            let _ = let_in.await;
            pass
        })
    }

    fn resume(&self, subject: &str) -> Pass {
        if subject == BACKUP { self.stay(false, None) } else { Box::new(()) }
    }
}

/// Priority of a backup where neither a person asks for it nor a wish gives it another.
const PRIORITY: u8 = 100;
/// Priority of a backup that a person asks for, who waits for it: above any that a wish can give.
const PERSON: u8 = MAX_PRIORITY + 1;
