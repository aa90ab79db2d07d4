//! A loaded extension, and what the controller sets for it: approver, audit, log and applications to freeze.

use std::fmt;
use std::sync::Arc;

use agentapi_quiesce::{Coordinator, Parked};

use crate::policy::approver::{Approver, DenyAll};
use crate::policy::audit::Audit;
use crate::policy::bindings::PolicyExtensionPre;
use crate::policy::captured::Captured;
use crate::policy::clock::{Clock, SystemClock};
use crate::policy::grants::Grants;
use crate::policy::identity::Identity;
use crate::policy::limits::Limits;
use crate::policy::log::{Log, TracingLog};
use crate::policy::notification::Notifications;
use crate::policy::observed::CallObserver;
use crate::policy::state::RunState;
use crate::policy::state_store::StateStore;
use crate::sandbox::EpochClock;

/// A loaded extension. Cheap to clone; runs share nothing.
///
/// Made by [`Host::load_policy`](crate::Host::load_policy), run by [`run`](Self::run).
#[derive(Clone)]
pub struct Policy {
    pub(super) component: PolicyExtensionPre<RunState>,
    /// Interrupts what computes.
    pub(super) epoch_clock: EpochClock,
    pub(super) grants: Arc<Grants>,
    pub(super) limits: Limits,
    pub(super) identity: Identity,
    pub(super) settings: Settings,
}

/// What the controller sets for an extension.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) approver: Arc<dyn Approver>,
    pub(super) audit: Option<Arc<dyn Audit>>,
    pub(super) log: Arc<dyn Log>,
    /// Freezes the controller's applications; without it, `quiesce` is denied.
    pub(super) freezing: Option<Freezing>,
    pub(super) captured: Captured,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Arc<dyn CallObserver>>,
    pub(super) is_dry_run: bool,
    /// Keeps what it remembers; without it, `state` is denied.
    pub(super) state: Option<Arc<dyn StateStore>>,
    pub(super) notifications: Option<Arc<dyn Notifications>>,
}

/// How a run freezes.
#[derive(Clone)]
pub(super) struct Freezing {
    pub(super) coordinator: Coordinator,
    /// Parks what the controller writes, for one freeze.
    pub(super) park: Arc<dyn Fn() -> Parked + Send + Sync>,
}

impl Default for Settings {
    /// The safe choice of each: nobody approves a wipe, and nothing can be frozen.
    fn default() -> Self {
        Self {
            approver: Arc::new(DenyAll),
            audit: None,
            log: Arc::new(TracingLog),
            freezing: None,
            captured: Captured::default(),
            clock: Arc::new(SystemClock),
            observer: None,
            is_dry_run: false,
            state: None,
            notifications: None,
        }
    }
}

impl Policy {
    /// Its name, as the audit and whoever waits for a freeze see it.
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// SHA-256 of its bytes, in hex.
    pub fn sha256(&self) -> &str {
        &self.identity.sha256
    }

    /// The same extension with somebody to ask before a disk is wiped. [`DenyAll`] if not set.
    #[must_use]
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.settings.approver = approver;
        self
    }

    /// The same extension with an audit of what it does. None if not set.
    #[must_use]
    pub fn audit(mut self, audit: Arc<dyn Audit>) -> Self {
        self.settings.audit = Some(audit);
        self
    }

    /// The same extension with a place for what it remembers from run to run, under its [`name`](Self::name). Without
    /// this, `state` is denied.
    #[must_use]
    pub fn state(mut self, store: Arc<dyn StateStore>) -> Self {
        self.settings.state = Some(store);
        self
    }

    /// The same extension with somebody who takes its messages to the operator. Without this, `notify` fails.
    #[must_use]
    pub fn notifications(mut self, notifications: Arc<dyn Notifications>) -> Self {
        self.settings.notifications = Some(notifications);
        self
    }

    /// The same extension with somebody who looks on at its calls. Nobody if not set.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn CallObserver>) -> Self {
        self.settings.observer = Some(observer);
        self
    }

    /// The same extension with another clock, for a test. [`SystemClock`] if not set.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// The same extension for runs that only read: what acts is answered as the contract says, and only told to the
    /// [`observer`](Self::observer). The audit hears nothing of such a run, since nothing was done.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.settings.is_dry_run = true;
        self
    }

    /// The same extension with a receiver for the lines that it logs and prints. [`TracingLog`] if not set.
    #[must_use]
    pub fn log(mut self, log: Arc<dyn Log>) -> Self {
        self.settings.log = log;
        self
    }

    /// The same extension with applications to freeze. Without this, `quiesce` is denied.
    ///
    /// What a run has frozen is thawed when it ends, however it ends; see [`quiesce`](crate::quiesce). `park` is called
    /// before each freeze and stops what this process writes to disks, such as [`AuditFile::park`](super::AuditFile::park),
    /// or is [`Parked::nothing_to_park`] where it writes nothing.
    #[must_use]
    pub fn quiesce(mut self, coordinator: Coordinator, park: impl Fn() -> Parked + Send + Sync + 'static) -> Self {
        self.settings.freezing = Some(Freezing { coordinator, park: Arc::new(park) });
        self
    }

    /// The same extension with another answer to when a backup is captured. [`Captured::WhenDone`] if not set.
    #[must_use]
    pub fn captured(mut self, captured: Captured) -> Self {
        self.settings.captured = captured;
        self
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { name, sha256 } = &self.identity;
        f.debug_struct("Policy").field("name", name).field("sha256", sha256).finish_non_exhaustive()
    }
}
