//! What `policy run` keeps of an extension: its state, in a file or for the run, and its messages.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use agentapi_host::policy::{MemoryState, Policy};

use crate::extension::messages::ShownMessages;
use crate::extension::state_file::StateFile;
use crate::extension::tell::tell;

/// What is kept of one run.
#[derive(Default)]
pub(super) struct Kept {
    messages: ShownMessages,
    /// For this run only.
    memory: MemoryState,
    /// With `--state`, once the extension is loaded.
    file: RefCell<Option<StateFile>>,
    name: RefCell<String>,
}

impl Kept {
    /// The extension with a state, in this file if there is one, and with somebody who shows its messages.
    pub(super) fn attach(&self, policy: Policy, state: Option<&Path>) -> anyhow::Result<Policy> {
        policy.name().clone_into(&mut self.name.borrow_mut());
        let policy = policy.notifications(Arc::new(self.messages.clone()));
        let Some(state) = state else { return Ok(policy.state(Arc::new(self.memory.clone()))) };
        let file = StateFile::open(state)?;
        *self.file.borrow_mut() = Some(file.clone());
        Ok(policy.state(Arc::new(file)))
    }

    pub(super) fn file(&self) -> Option<StateFile> {
        self.file.borrow().clone()
    }

    /// Says after the result what is raised, and what is lost.
    pub(super) fn tell(&self) {
        self.messages.list();
        let keys = self.memory.of(&self.name.borrow()).len();
        if keys > 0 {
            let keys = if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") };
            tell(&format!("what it remembered, {keys}, is gone with this run; --state FILE would keep it"));
        }
    }
}
