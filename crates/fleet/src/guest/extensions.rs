//! Changes extensions to the bytes that are wished, by their digest: fetched, verified, tried, and taken back if they do not
//! do.
//!
//! ```text
//! wished ─► may the fleet? ─► fetched ─► signed? loads? ─► chosen ─► loaded anew ─► run once ┬ done ─► good
//!            │                  │          │ nothing was changed                             └ else ─► the one before is
//!            └──────────────────┴──────────┴─► refused, by name                                        chosen again: failed
//! ```
//!
//! Bytes and signature are kept as they came, in the state's folder. A guest that starts without the bus starts with what was
//! chosen last.

use std::sync::Arc;
use std::time::Duration;

use agentapi_controller::action::{Action, Outcome};
use agentapi_controller::actor::Actor;
use agentapi_controller::config::extension::Extension;
use agentapi_controller::controller::Companion;
use agentapi_controller::event::{EventKind, NewEvent, Severity};
use agentapi_controller::run::{Run, RunState};
use agentapi_host::error_chain;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::bundle::{Bundle, BundleError};
use crate::bus::{Bus, BusError};
use crate::guest::inbox::LookError;
use crate::guest::kept::Kept;
use crate::guest::refusals::{Refusals, Refused};
use crate::guest::shelf::{Shelf, ShelfError};
use crate::guest::wishes::Wanted;
use crate::heartbeat::EVERY;
use crate::want::ExtensionWish;

/// What became of the wish for an extension, as a guest tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The extension.
    pub name: String,
    /// The digest that was wished; none: the file of the guest's own configuration.
    pub digest: Option<String>,
    /// When the roll-out began that wished it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How far it is.
    pub state: TriedState,
    /// Why it is not in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What was chosen before: it is taken again where this one fails.
    #[serde(default)]
    before: Option<String>,
}

/// How far the change of an extension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriedState {
    /// It is being loaded and run once.
    Trying,
    /// It is in use, and its first run was done.
    Good,
    /// Its first run was not done, and the one before is in use.
    Failed,
    /// It was not taken.
    Refused,
}

/// Why bytes are not taken.
#[derive(Debug, thiserror::Error)]
enum Wrong {
    #[error("[fleet] extensions of this guest does not name it")]
    NotAllowed,
    #[error(transparent)]
    Bundle(BundleError),
    #[error("{0}")]
    NotLoaded(String),
}

impl Refused for Wrong {
    fn name(&self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::Bundle(BundleError::Altered { .. }) => "altered",
            Self::Bundle(_) => "unusable",
            Self::NotLoaded(_) => "not-loaded",
        }
    }
}

/// The extensions of one guest that its fleet may change.
pub(super) struct Extensions {
    companion: Companion,
    allowed: Vec<String>,
    bus: watch::Receiver<Option<Arc<dyn Bus>>>,
    wanted: watch::Receiver<Wanted>,
    shelf: Shelf,
    kept: Kept<Vec<Tried>>,
    refusals: Refusals,
    told: watch::Sender<Vec<Tried>>,
}

impl Extensions {
    pub(super) fn new(
        companion: Companion,
        allowed: Vec<String>,
        bus: watch::Receiver<Option<Arc<dyn Bus>>>,
        wanted: watch::Receiver<Wanted>,
    ) -> Self {
        let refusals = Refusals::new(companion.clone(), EventKind::ExtensionRefused, "extensions-refused");
        let kept = Kept::new(companion.store.clone(), "extensions");
        let shelf = Shelf::new(companion.clone());
        Self { companion, allowed, bus, wanted, shelf, kept, refusals, told: watch::Sender::default() }
    }

    /// What became of each wish.
    pub(super) fn told(&self) -> watch::Receiver<Vec<Tried>> {
        self.told.subscribe()
    }

    /// Works for ever.
    pub(super) async fn work(mut self) {
        loop {
            if let Err(why) = self.look().await {
                tracing::debug!(error = error_chain(&why), "extensions are looked at later");
            }
            tokio::select! {
                Ok(()) = self.wanted.changed() => {}
                Ok(()) = self.bus.changed() => {}
                () = self.companion.clock.sleep(EVERY) => {}
            }
        }
    }

    /// Looks at each wish. One that has to wait holds up no other.
    async fn look(&mut self) -> Result<(), LookError> {
        let wanted = self.wanted.borrow_and_update().extensions();
        let mut looked = self.tell().await;
        for (name, wish) in wanted {
            let change = self.change_to(name, wish).await;
            looked = looked.and(change);
        }
        looked
    }

    async fn change_to(
        &mut self,
        name: String,
        ExtensionWish { digest, since }: ExtensionWish,
    ) -> Result<(), LookError> {
        let known = self.kept.read().await?;
        let known = known.iter().find(|tried| tried.name == name && tried.digest == digest && tried.since == since);
        let before = match known {
            Some(Tried { state: TriedState::Trying, before, .. }) => before.clone(),
            Some(_) => return Ok(()),
            None => self.shelf.chosen(&name).map_err(LookError::NotRead)?,
        };
        self.change(Tried { name, digest, since, state: TriedState::Trying, why: None, before }).await
    }

    async fn change(&mut self, trying: Tried) -> Result<(), LookError> {
        let extension = match self.fetch(&trying).await? {
            Ok(extension) => extension,
            Err(wrong) => {
                // A try that was cut off by a crash may have chosen it already.
                if self.shelf.chosen(&trying.name).map_err(LookError::NotRead)? != trying.before {
                    self.choose(&trying.name, trying.before.clone()).await?;
                }
                let what = format!("what is wished of {}", trying.name);
                let digest = trying.digest.clone().unwrap_or_else(|| trying.name.clone());
                self.refusals.tell(&digest, &what, &wrong).await?;
                let refused = Tried { state: TriedState::Refused, why: Some(error_chain(&wrong)), ..trying };
                return self.note(refused, None).await;
            }
        };
        self.note(trying.clone(), None).await?;
        self.choose(&trying.name, trying.digest.clone()).await?;
        if !self.is_in_use(&trying) {
            // Somebody else has had the configuration read, just before: that reading has ended, and this one has not.
            self.reload().await;
        }
        if !self.is_in_use(&trying) {
            self.choose(&trying.name, trying.before.clone()).await?;
            let why = Some("the controller has refused its configuration with them: see its events".to_owned());
            return self.note(Tried { state: TriedState::Refused, why, ..trying }, None).await;
        }
        let (name, digest) = (&trying.name, trying.digest.as_deref().unwrap_or("the guest's own file"));
        let Some(run) = self.run(&extension).await? else { return Ok(()) };
        let (tried, text) = match run.state {
            RunState::Done => {
                let text = format!("{name} is changed to {digest}, and its first run was done");
                (Tried { state: TriedState::Good, ..trying }, text)
            }
            state => {
                self.choose(name, trying.before.clone()).await?;
                let why = format!("its first run is {state}: {}", run.end_reason);
                let text = format!("{name} is as before: with {digest}, {why}");
                (Tried { state: TriedState::Failed, why: Some(why), ..trying }, text)
            }
        };
        let severity = if tried.state == TriedState::Good { Severity::Info } else { Severity::Warning };
        let (kind, subject) = (EventKind::ExtensionChanged, tried.name.clone());
        self.note(tried, Some(NewEvent { kind, severity, subject, run: Some(run.id), text })).await
    }

    /// The extension with the bytes that are wished: on the shelf, signed, and seen to load.
    async fn fetch(&self, trying: &Tried) -> Result<Result<Extension, Wrong>, LookError> {
        let config = Arc::clone(&self.companion.config.borrow());
        let mut all = config.live.extensions.iter();
        let extension = all.find(|extension| extension.name == trying.name && self.allowed.contains(&trying.name));
        let Some(extension) = extension.cloned() else { return Ok(Err(Wrong::NotAllowed)) };
        let Some(digest) = trying.digest.clone() else { return Ok(Ok(extension)) };
        // On its own shelf first: a bus that has lost its store has no way back to earlier bytes. Signed anew, it has others.
        if let Some(bundle) = self.shelf.find(&trying.name, &digest).await
            && let Ok(()) = self.shelf.put(extension.clone(), digest.clone(), bundle).await
        {
            return Ok(Ok(extension));
        }
        let bus = self.bus.borrow().clone();
        let bus = bus.ok_or_else(|| BusError::Unreachable("it was not reached yet".into()))?;
        let bundle = match Bundle::get(bus.as_ref(), &digest).await {
            Ok(bundle) => bundle,
            Err(BundleError::Bus(why)) => return Err(why.into()),
            Err(wrong) => return Ok(Err(Wrong::Bundle(wrong))),
        };
        match self.shelf.put(extension.clone(), digest, bundle).await {
            Ok(()) => Ok(Ok(extension)),
            Err(ShelfError::Wrong(why)) => Ok(Err(Wrong::NotLoaded(error_chain(&why)))),
            Err(ShelfError::Write(why)) => Err(LookError::NotWritten(why)),
        }
    }

    fn is_in_use(&self, trying: &Tried) -> bool {
        let plan = self.companion.plan.borrow();
        let in_use = plan.subject(&trying.name).map(|subject| subject.digest.clone());
        in_use.is_some_and(|in_use| trying.digest.as_ref().is_none_or(|digest| *digest == in_use))
    }

    /// Has the controller use it.
    async fn choose(&self, name: &str, digest: Option<String>) -> Result<(), LookError> {
        self.shelf.choose(name, digest).await.map_err(LookError::NotWritten)?;
        self.reload().await;
        Ok(())
    }

    async fn reload(&self) {
        let mut reloads = self.companion.reloads.clone();
        reloads.mark_unchanged();
        self.companion.reload.notify_one();
        // It ends only with the controller.
        let _ = reloads.changed().await;
    }

    /// Runs it once, and waits for the end; none where the controller is ending.
    async fn run(&self, extension: &Extension) -> Result<Option<Run>, LookError> {
        let actor = Actor::Fleet { what: format!("the first run of other bytes of {}", extension.name) };
        let asked = self.companion.actions.ask(Action::RunNow { subject: extension.name.clone() }, actor).await;
        let Outcome::Run(id) = asked.map_err(LookError::NotDone)? else { return Ok(None) };
        loop {
            let run = self.companion.store.reader().run(id).await?;
            if run.state.is_end() {
                return Ok(Some(run));
            }
            self.companion.clock.sleep(RUN_PAUSE).await;
        }
    }

    async fn note(&self, tried: Tried, event: Option<NewEvent>) -> Result<(), LookError> {
        let at = self.companion.clock.now();
        let note = move |all: &mut Vec<Tried>| {
            all.retain(|other| other.name != tried.name);
            all.push(tried);
        };
        self.kept.change(note, event.map(|event| (at, event))).await?;
        self.tell().await
    }

    async fn tell(&self) -> Result<(), LookError> {
        let kept = self.kept.read().await?;
        self.told.send_if_modified(|told| std::mem::replace(told, kept.clone()) != kept);
        Ok(())
    }
}

/// Between two looks at a run.
const RUN_PAUSE: Duration = Duration::from_secs(1);
