//! Applications that freeze and thaw as a test says, and count.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use crate::error::QuiesceFailure;
use crate::own::{Quiesce, Quiescing};

/// What the next freeze or thaw does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Fails,
    Hangs,
    Panics,
}

/// Counts what is done to it. Does as told, then works.
#[derive(Default)]
pub(super) struct Applications {
    calls: Mutex<Vec<&'static str>>,
    freezes: Mutex<VecDeque<Act>>,
    thaws: Mutex<VecDeque<Act>>,
    thaw_never_works: bool,
}

impl Applications {
    pub(super) fn new(freezes: impl Into<VecDeque<Act>>, thaws: impl Into<VecDeque<Act>>) -> Arc<Self> {
        Arc::new(Self { freezes: Mutex::new(freezes.into()), thaws: Mutex::new(thaws.into()), ..Self::default() })
    }

    /// The same, and no thaw ever works.
    pub(super) fn never_thawed(freezes: impl Into<VecDeque<Act>>) -> Arc<Self> {
        Arc::new(Self { freezes: Mutex::new(freezes.into()), thaw_never_works: true, ..Self::default() })
    }

    pub(super) fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    fn act(&self, name: &'static str, act: Option<Act>) -> Quiescing<'_> {
        self.calls.lock().unwrap().push(name);
        Box::pin(async move {
            match act {
                None => Ok(()),
                Some(Act::Fails) => Err(QuiesceFailure::new(format!("{name} does not work"))),
                Some(Act::Hangs) => std::future::pending().await,
                Some(Act::Panics) => panic!("{name} panics"),
            }
        })
    }
}

impl Quiesce for Applications {
    fn freeze(&self) -> Quiescing<'_> {
        self.act("freeze", self.freezes.lock().unwrap().pop_front())
    }

    fn thaw(&self) -> Quiescing<'_> {
        let act = if self.thaw_never_works { Some(Act::Fails) } else { self.thaws.lock().unwrap().pop_front() };
        self.act("thaw", act)
    }
}
