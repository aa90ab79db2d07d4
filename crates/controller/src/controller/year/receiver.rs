//! One who is told of findings, and remembers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::event::Severity;
use crate::notify::outbox::Receivers;
use crate::notify::{Delivering, Delivery, Notice, NoticeState, Notifier, Receiver};

/// By kind and subject, what it was told last. Outlives the controllers; clones share what they know.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    latest: Arc<Mutex<BTreeMap<(&'static str, String), NoticeState>>>,
    notices: Arc<Mutex<usize>>,
}

impl Recorder {
    pub(super) fn receivers(&self) -> Receivers {
        let notifier = Arc::new(self.clone());
        Arc::new(vec![Receiver { name: "operator".into(), severity: Severity::Info, notifier }])
    }

    /// Whether the operator believes that this holds.
    pub(super) fn believes(&self, kind: &'static str, subject: &str) -> bool {
        let latest = self.latest.lock().unwrap();
        latest.get(&(kind, subject.to_owned())) == Some(&NoticeState::Raised)
    }

    pub(super) fn notices(&self) -> usize {
        *self.notices.lock().unwrap()
    }
}

impl Notifier for Recorder {
    fn deliver(&self, notice: &Notice) -> Delivering {
        *self.notices.lock().unwrap() += 1;
        self.latest.lock().unwrap().insert((notice.kind, notice.subject.clone()), notice.state);
        Box::pin(async { Delivery::Delivered })
    }
}
