//! A guest's part in a fleet, beside its controller.

#[cfg(not(feature = "fleet"))]
mod none;
#[cfg(feature = "fleet")]
mod part;

use agentapi_controller::config::fleet::Fleet;

#[cfg(not(feature = "fleet"))]
pub(super) use none::Part;
#[cfg(feature = "fleet")]
pub(super) use part::Part;

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
