//! A guest's part in a fleet, beside its controller.

use agentapi_controller::config::fleet::Fleet;
use agentapi_controller::controller::Companion;
use tokio::task::JoinSet;

/// Whether this build can be in a fleet.
///
/// # Errors
///
/// Why not.
pub(super) fn check(fleet: Option<&Fleet>) -> Result<(), String> {
    match fleet {
        #[cfg(not(feature = "fleet"))]
        Some(_) => Err(format!("fleet: expected no [fleet]: {}", crate::commands::fleet::NOT_IN_THIS_BUILD)),
        #[cfg(feature = "fleet")]
        Some(Fleet { allowed_signers: Some(file), .. }) => {
            let read = agentapi_fleet::signed::allowed::AllowedSigners::read(file);
            read.map(drop).map_err(|why| format!("fleet.allowed_signers: {}", agentapi_host::error_chain(&why)))
        }
        _ => Ok(()),
    }
}

/// Begins, if there is a fleet. It ends when the tasks are dropped.
#[cfg(feature = "fleet")]
pub(super) fn join(tasks: &mut JoinSet<()>, fleet: Option<&Fleet>, companion: Companion) {
    use std::sync::Arc;

    use agentapi_controller::config::read_secret;
    use agentapi_fleet::bus::{Bus, BusError};
    use agentapi_fleet::guest::Guest;
    use agentapi_fleet::nats::{Access, NatsBus};

    let Some(fleet) = fleet.cloned() else { return };
    // The configuration takes no other names.
    let (Ok(name), Ok(host)) = (companion.guest.parse(), fleet.host.parse()) else { return };
    let (user, allowed_signers) = (companion.guest.clone(), fleet.allowed_signers.clone());
    let dial = move || {
        let (fleet, user) = (fleet.clone(), user.clone());
        let dialled = async move {
            // Read each time: a key that was changed is used without a restart.
            let seed = read_secret(&fleet.key_file, "fleet.key_file")
                .map_err(|why| BusError::Unusable(format!("the file of fleet.key_file: {why}")))?;
            let access = Access { server: fleet.server, pins: fleet.pins, seed, user };
            Ok(Arc::new(NatsBus::connect(&access).await?) as Arc<dyn Bus>)
        };
        Box::pin(dialled) as std::pin::Pin<Box<dyn Future<Output = _> + Send>>
    };
    tasks.spawn(Guest { companion, name, host, allowed_signers, dial: Box::new(dial) }.work());
}

#[cfg(not(feature = "fleet"))]
pub(super) fn join(_: &mut JoinSet<()>, _: Option<&Fleet>, _: Companion) {}
