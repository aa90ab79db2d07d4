//! Takes what people have signed for this guest off the bus: verified, and told of where it is refused.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use agentapi_controller::action::Refusal as NotDone;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::EventKind;
use agentapi_controller::store::StoreError;

use crate::bus::{Bus, BusError};
use crate::guest::journal::{Journal, Known};
use crate::guest::kept::Kept;
use crate::guest::refusals::Refusals;
use crate::name::GuestName;
use crate::signed::allowed::AllowedSigners;
use crate::signed::{Refusal, Signed, Statement, Verified, listed};

/// Why it was not looked at to the end. It is again, later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookError {
    /// The bus does not answer.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The history cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is chosen cannot be read in the state's folder.
    #[error("the state's folder cannot be read")]
    NotRead(#[source] std::io::Error),
    /// The state's folder cannot be written.
    #[error("the state's folder cannot be written")]
    NotWritten(#[source] std::io::Error),
    /// The controller did not do it.
    #[error("it could not be done now")]
    NotDone(#[source] NotDone),
}

/// What a guest looks at, and by whom that may be signed.
pub struct Source {
    /// Its controller.
    pub companion: Companion,
    /// The bus.
    pub bus: Arc<dyn Bus>,
    /// Its name.
    pub name: GuestName,
    /// The file of allowed signers; none: nobody is.
    pub allowed_signers: Option<PathBuf>,
}

/// The statements of one kind.
pub(super) struct Inbox<S> {
    pub(super) companion: Companion,
    pub(super) journal: Kept<Journal>,
    bus: Arc<dyn Bus>,
    name: GuestName,
    allowed_signers: Option<PathBuf>,
    refusals: Refusals,
    statements: PhantomData<fn() -> S>,
}

impl<S: Statement> Inbox<S> {
    pub(super) fn new(source: Source, refused: EventKind, journal: &'static str, refusals: &'static str) -> Self {
        let Source { companion, bus, name, allowed_signers } = source;
        let refusals = Refusals::new(companion.clone(), refused, refusals);
        let journal = Kept::new(companion.store.clone(), journal);
        Self { companion, journal, bus, name, allowed_signers, refusals, statements: PhantomData }
    }

    /// Those that lie there, count now, and were not taken before.
    pub(super) async fn new_ones(&mut self) -> Result<Vec<(Signed, Verified<S>)>, LookError> {
        let entry = self.bus.get(S::TABLE, self.name.as_str()).await?;
        let list = match entry.as_ref().map(listed).transpose() {
            Ok(list) => list.unwrap_or_default(),
            Err(refusal) => {
                self.refusals.tell("list", &format!("the list of {}s", S::KIND), &refusal).await?;
                return Ok(Vec::new());
            }
        };
        self.note_gone(&list).await?;
        let journal = self.journal.read().await?;
        let is_new = |signed: &&Signed| journal.known("", &signed.digest()) != Known::Same;
        let new: Vec<_> = list.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let signers = AllowedSigners::of(self.allowed_signers.as_deref());
        let now = self.companion.clock.now();
        let mut verified = Vec::new();
        for signed in new {
            let statement = match &signers {
                Ok(signers) => signed.verify::<S>(signers, &self.name, now),
                Err(refusal) => Err(refusal.clone()),
            };
            match statement {
                Ok(statement) => verified.push((signed, statement)),
                Err(refusal) => self.refuse(&signed, &refusal).await?,
            }
        }
        Ok(verified)
    }

    /// Tells that one is refused.
    pub(super) async fn refuse(&mut self, signed: &Signed, refusal: &Refusal) -> Result<(), StoreError> {
        // What it calls itself: until its signature is verified, no more is known.
        let title = serde_json::from_str::<S>(&signed.text).map(|statement| statement.title());
        let title = title.unwrap_or_else(|_| S::KIND.to_owned());
        self.tell(&signed.digest(), &title, refusal).await
    }

    pub(super) async fn tell(&mut self, digest: &str, title: &str, refusal: &Refusal) -> Result<(), StoreError> {
        self.refusals.tell(digest, title, refusal).await
    }

    /// What was taken and lies there no more is gone for good: lying there again, it is replayed.
    async fn note_gone(&self, list: &[Signed]) -> Result<(), StoreError> {
        let digests: Vec<_> = list.iter().map(Signed::digest).collect();
        let journal = self.journal.read().await?;
        if journal.taken.iter().all(|taken| taken.is_gone || digests.contains(&taken.digest)) {
            return Ok(());
        }
        let note = move |journal: &mut Journal| {
            for taken in &mut journal.taken {
                taken.is_gone |= !digests.contains(&taken.digest);
            }
        };
        self.journal.change(note, None).await
    }
}
