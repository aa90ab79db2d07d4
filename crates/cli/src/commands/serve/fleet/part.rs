//! How the parts of a fleet are put together: the gate before the controller starts, the guest beside it, and the coordinator
//! where it is one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agentapi_controller::clock::Clock;
use agentapi_controller::config::fleet::Fleet;
use agentapi_controller::config::{Fixed, read_secret};
use agentapi_controller::controller::Companion;
use agentapi_controller::gate::{self, Gate};
use agentapi_fleet::bus::{Bus, BusError};
use agentapi_fleet::guest::{Dial, Guest, Member};
use agentapi_fleet::nats::{Access, COORDINATOR, NatsBus};
use agentapi_fleet::slots::{Slots, SlotsConfig, WithoutBus};
use tokio::task::JoinSet;

/// A guest's part in a fleet, before its controller starts; none where it is in no fleet.
pub(in super::super) struct Part(Option<(Fleet, Slots)>);

impl Part {
    /// What there is to be, by the configuration.
    pub(in super::super) fn new(fixed: &Fixed, clock: &Arc<dyn Clock>) -> Self {
        let part = fixed.fleet.clone().and_then(|fleet| {
            // The configuration takes no other names.
            let config = SlotsConfig {
                guest: fixed.guest.parse().ok()?,
                group: fleet.slots.parse().ok()?,
                without_bus: if fleet.runs_without_bus { WithoutBus::Run } else { WithoutBus::Wait },
                longest_wait: fleet.longest_wait,
            };
            Some((fleet, Slots::new(config, Arc::clone(clock)).await_memory()))
        });
        Self(part)
    }

    /// What the controller's backups wait for.
    pub(in super::super) fn gate(&self) -> Arc<dyn Gate> {
        match &self.0 {
            Some((_, slots)) => Arc::new(slots.clone()),
            None => Arc::new(gate::Open),
        }
    }

    /// Begins, if there is a fleet. It ends when the tasks are dropped.
    pub(in super::super) fn join(self, tasks: &mut JoinSet<()>, companion: &Companion) {
        let Some((fleet, slots)) = self.0 else { return };
        let (Ok(name), Ok(host)) = (companion.guest.parse(), fleet.host.parse()) else { return };
        let member = Member {
            name,
            host,
            ring: fleet.ring,
            extensions: fleet.extensions.clone(),
            allowed_signers: fleet.allowed_signers.clone(),
        };
        let dial = dial(&fleet, &fleet.key_file, "fleet.key_file", &companion.guest);
        tasks.spawn(Guest { companion: companion.clone(), member, slots, dial }.work());
        if let Some(key_file) = &fleet.coordinator_key_file {
            let dial = self::dial(&fleet, key_file, "fleet.coordinator_key_file", COORDINATOR);
            tasks.spawn(agentapi_fleet::coordinator::coordinate(companion.clone(), dial));
        }
    }
}

fn dial(fleet: &Fleet, key_file: &Path, key: &'static str, user: &str) -> Dial {
    let (fleet, key_file, user): (_, PathBuf, _) = (fleet.clone(), key_file.into(), user.to_owned());
    Box::new(move || {
        let (fleet, key_file, user) = (fleet.clone(), key_file.clone(), user.clone());
        Box::pin(async move {
            // Read each time: a key that was changed is used without a restart.
            let seed =
                read_secret(&key_file, key).map_err(|why| BusError::Unusable(format!("the file of {key}: {why}")))?;
            let access = Access { server: fleet.server, pins: fleet.pins, seed, user };
            Ok(Arc::new(NatsBus::connect(&access).await?) as Arc<dyn Bus>)
        })
    })
}
