//! How many instances of the client are alive, of all agents of one host.

use std::sync::{Arc, Weak};

/// Counts its guards, which are weak references: an `Arc` counts those anyway.
#[derive(Clone, Default)]
pub(crate) struct InstanceCount(Arc<()>);

/// Held by the store of an instance, and so dropped with it.
pub(super) struct InstanceGuard {
    _counted: Weak<()>,
}

impl InstanceCount {
    pub(crate) fn get(&self) -> usize {
        Arc::weak_count(&self.0)
    }

    pub(super) fn guard(&self) -> InstanceGuard {
        InstanceGuard { _counted: Arc::downgrade(&self.0) }
    }
}
