//! What a process that is gone left frozen, for whoever does nothing but thaw it.

use std::path::Path;

use crate::application::{Application, Applications, Kind};
use crate::coordinator::{Coordinator, start, to_recover};
use crate::error::{JournalError, QuiesceFailure};
use crate::recovery::Recovery;
use crate::report::{Report, StillFrozen};
use crate::settings::Settings;
use crate::shared::Shared;

/// Thaws what a process that is gone left frozen, and nothing else: what the journal recorded. It must be the first thing
/// that a process does, before it looks for a token, a configuration or the disk that its log is on.
///
/// Blocks until all is thawed and the journal says so. For a journal of an older version, which did not record what was
/// frozen, it thaws these applications; so does an own code with the recorded name. `None` if nothing was left.
///
/// # Errors
///
/// [`ThawError::Journal`] as for [`Coordinator::open`]; [`ThawError::StillFrozen`] after [`Settings::give_up`].
///
/// [`Leftover`] does the same for whoever wants to know meanwhile what is waited for.
pub fn thaw_left_frozen(
    journal: impl AsRef<Path>,
    applications: impl Into<Applications>,
    settings: &Settings,
) -> Result<Option<Report>, ThawError> {
    let Some(leftover) = Leftover::thaw(journal, applications, settings)? else { return Ok(None) };
    leftover.coordinator().shared().wait_for_recovery();
    leftover.report()
}

/// Why not everything that was left frozen is thawed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThawError {
    /// The journal cannot be used, or its owner lives.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The thaw does not work.
    #[error(transparent)]
    StillFrozen(#[from] StillFrozen),
    /// All is thawed, but the journal cannot be written. The next start thaws again.
    #[error("all is thawed, but the journal cannot be written")]
    NotJournalled(#[source] QuiesceFailure),
}

/// A freeze that its process has not ended, while it is thawed. When this is dropped the thaw goes on, as long as the
/// process lives.
#[derive(Debug)]
pub struct Leftover {
    coordinator: Coordinator,
    holder: String,
    what: Vec<String>,
    not_given: Option<JournalError>,
}

impl Leftover {
    /// Begins to thaw what the journal recorded. `None` if nothing was left: then nothing was written, nor made.
    ///
    /// The applications are for a journal of an older version, as for [`thaw_left_frozen`](crate::thaw_left_frozen).
    ///
    /// # Errors
    ///
    /// [`JournalError`] as for [`Coordinator::open`], but for [`NotGiven`](JournalError::NotGiven).
    pub fn thaw(
        journal: impl AsRef<Path>,
        applications: impl Into<Applications>,
        settings: &Settings,
    ) -> Result<Option<Self>, JournalError> {
        let (journal, applications) = (journal.as_ref(), applications.into());
        let Some(left) = to_recover(journal)? else { return Ok(None) };
        let shared = Shared::new(settings.clone());
        let recovery = Recovery::new(left, &applications);
        let (holder, not_given) = (recovery.holder().to_owned(), recovery.not_given(journal));
        let what = recovery.applications().iter().enumerate();
        let what = what.map(|(index, application)| application.label(index)).collect();
        start(journal, &applications, &shared, Some(recovery))?;
        Ok(Some(Self { coordinator: Coordinator::of(shared), holder, what, not_given }))
    }

    /// Who had frozen.
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// What is thawed, in the order of its freeze. Programs by their names alone: their arguments may hold a password. Empty
    /// if the machine was started anew since then, and everything thawed by that.
    pub fn what(&self) -> &[String] {
        &self.what
    }

    /// Says what is waited for ([`Coordinator::status`]), and waits ([`Coordinator::idle`]).
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// How it ended, after that wait. `None` if another process had thawed it first.
    ///
    /// # Errors
    ///
    /// As for [`thaw_left_frozen`](crate::thaw_left_frozen). [`ThawError::StillFrozen`] also before its end.
    pub fn report(self) -> Result<Option<Report>, ThawError> {
        let state = self.coordinator.shared().state.borrow();
        match (&state.held, self.not_given, &state.unusable) {
            (Some(held), ..) => Err(StillFrozen(held.clone()).into()),
            (None, Some(not_given), Some(_)) => Err(not_given.into()),
            (None, None, Some(why)) => Err(ThawError::NotJournalled(QuiesceFailure::new(why.clone()))),
            // Also where another process has recovered it meanwhile, whatever this one was not given.
            (None, _, None) => Ok(state.last.clone()),
        }
    }
}

impl Application {
    /// For people who want to know what was frozen.
    fn label(&self, index: usize) -> String {
        let number = index + 1;
        match &self.kind {
            Kind::FileSystem { mount, .. } => mount.display().to_string(),
            Kind::Holder(program) => program.described(&format!("holder {number}")),
            Kind::Programs { freeze, .. } => freeze.described(&format!("program {number}")),
            Kind::Own { name, .. } => name.clone(),
        }
    }
}
