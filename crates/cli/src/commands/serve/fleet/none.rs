//! A build without fleets.

use std::sync::Arc;

use agentapi_controller::clock::Clock;
use agentapi_controller::config::Fixed;
use agentapi_controller::controller::Companion;
use agentapi_controller::gate::{Gate, Open};
use tokio::task::JoinSet;

/// No part.
pub(in super::super) struct Part;

impl Part {
    pub(in super::super) fn new(_: &Fixed, _: &Arc<dyn Clock>) -> Self {
        Self
    }

    pub(in super::super) fn gate(&self) -> Arc<dyn Gate> {
        Arc::new(Open)
    }

    pub(in super::super) fn join(self, _: &mut JoinSet<()>, _: &Companion) {}
}
